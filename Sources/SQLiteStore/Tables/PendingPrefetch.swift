/// A pending task, as far as a claim has to know it.
struct Head: Equatable {
    var id: Int64
    var priority: Int64
    var timeToRun: Int64
    var isKeyed: Bool

    /// Whether it is to be claimed before another one: smallest priority first, oldest first among equals.
    func goes(before other: Head) -> Bool {
        (priority, id) < (other.priority, other.id)
    }
}

/// The first pending tasks of a tube, known for the length of a batch.
///
/// Many sessions often claim out of one tube in one batch; so a look at the index takes more than one task along, and more
/// each time.
struct Front: Equatable {
    /// How many tasks are remembered at most.
    static let most = 64

    private enum Knowledge {
        /// Nothing is known.
        case none

        /// There may be more tasks behind the last one remembered.
        case first

        /// There are no others.
        case all
    }

    /// In order.
    private var heads: [Head] = []

    /// Where the tasks that are still pending begin.
    private var start = 0

    private var knowledge = Knowledge.none

    /// How many tasks the next look should take along.
    private(set) var nextLook = 1

    /// What is known of the first task; the outer nothing: the index has to be asked.
    var first: Head?? {
        if start < heads.count { return .some(heads[start]) }
        return knowledge == .all ? .some(nil) : .none
    }

    /// Takes in what the index said.
    ///
    /// - Parameters:
    ///   - found: the first pending tasks, in order.
    ///   - limit: for how many the index was asked.
    mutating func learn(_ found: [Head], limit: Int) {
        heads = found
        start = 0
        knowledge = found.count < limit ? .all : .first
        nextLook = min(nextLook * 4, Self.most)
    }

    /// How many tasks are remembered.
    var known: Int { heads.count - start }

    /// The first tasks as long as each one's number is the next: they can be claimed as one range.
    ///
    /// - Parameter limit: how many at most.
    /// - Returns: at least one where ``first`` is known and not nothing.
    func run(atMost limit: Int) -> ArraySlice<Head> {
        var end = start
        while end < heads.count, end - start < limit, end == start || heads[end].id == heads[end - 1].id + 1 {
            end += 1
        }
        return heads[start..<end]
    }

    /// Takes the first tasks out, which were claimed.
    mutating func removeFirst(_ count: Int = 1) {
        start += count
        if start == heads.count, knowledge == .first { forget() }
    }

    /// Notes that a task became pending.
    mutating func add(_ task: Head) {
        guard knowledge != .none else { return }
        var index = heads.count
        while index > start, task.goes(before: heads[index - 1]) { index -= 1 }
        if index == heads.count, knowledge == .first { return }
        heads.insert(task, at: index)
        if heads.count - start > 2 * Self.most {
            heads.removeLast()
            knowledge = .first
        }
    }

    /// Notes that a task is pending no more.
    mutating func remove(_ id: Int64) {
        guard let index = heads[start...].firstIndex(where: { $0.id == id }) else { return }
        heads.remove(at: index)
        if start == heads.count, knowledge == .first { forget() }
    }

    /// Notes that nothing is known any more.
    mutating func forget() {
        heads.removeAll(keepingCapacity: true)
        start = 0
        knowledge = .none
    }

    /// Forgets the batch.
    mutating func reset() {
        forget()
        nextLook = 1
    }
}
