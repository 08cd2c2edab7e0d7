/// The first pending tasks of a tube, for the length of a batch.
///
/// Many sessions often claim from one tube in one batch. So each query of the index returns several tasks, and more
/// each time.
struct PendingPrefetch: Equatable {
    /// The largest number of tasks that one query returns.
    static let capacity = 64

    private enum Knowledge {
        /// Nothing is known.
        case none

        /// More tasks may follow the last one that is known.
        case first

        /// There are no others.
        case all
    }

    /// In the order of claims.
    private var tasks: [PendingTask] = []

    /// The index in ``tasks`` at which the tasks that are still pending begin.
    private var start = 0

    private var knowledge = Knowledge.none

    /// How many tasks the next query should return.
    private(set) var nextLimit = 1

    /// The first task; nil if the tube has no pending task.
    var first: Cached<PendingTask?> {
        if start < tasks.count { return .known(tasks[start]) }
        return knowledge == .all ? .known(nil) : .unknown
    }

    /// Takes the result of a query.
    ///
    /// - Parameters:
    ///   - found: the first pending tasks, in order.
    ///   - limit: the query's limit.
    mutating func fill(_ found: [PendingTask], limit: Int) {
        tasks = found
        start = 0
        knowledge = found.count < limit ? .all : .first
        nextLimit = min(nextLimit * 4, Self.capacity)
    }

    /// How many tasks are known.
    var count: Int { tasks.count - start }

    /// Returns the first tasks as long as their ids are consecutive: they can be claimed as one range.
    ///
    /// - Parameter limit: the largest number of tasks.
    /// - Returns: at least one task if ``first`` is one.
    func consecutive(atMost limit: Int) -> ArraySlice<PendingTask> {
        var end = start
        while end < tasks.count, end - start < limit, end == start || tasks[end].id == tasks[end - 1].id + 1 {
            end += 1
        }
        return tasks[start..<end]
    }

    /// Removes the first tasks, which were claimed.
    mutating func removeFirst(_ count: Int = 1) {
        start += count
        if start == tasks.count, knowledge == .first { invalidate() }
    }

    /// Adds a task that has become pending.
    mutating func add(_ task: PendingTask) {
        guard knowledge != .none else { return }
        var index = tasks.count
        while index > start, task.precedes(tasks[index - 1]) { index -= 1 }
        if index == tasks.count, knowledge == .first { return }
        tasks.insert(task, at: index)
        if tasks.count - start > 2 * Self.capacity {
            tasks.removeLast()
            knowledge = .first
        }
    }

    /// Removes a task that is no longer pending.
    mutating func remove(_ id: Int64) {
        guard let index = tasks[start...].firstIndex(where: { $0.id == id }) else { return }
        tasks.remove(at: index)
        if start == tasks.count, knowledge == .first { invalidate() }
    }

    /// Drops all tasks, so that the index is queried next.
    mutating func invalidate() {
        tasks.removeAll(keepingCapacity: true)
        start = 0
        knowledge = .none
    }

    /// Ends the batch.
    mutating func reset() {
        invalidate()
        nextLimit = 1
    }
}
