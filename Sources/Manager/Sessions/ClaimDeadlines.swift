internal import HeapModule
internal import TaskStore

/// When the claims of one session run out, the soonest first.
///
/// Only a session that holds many claims has it; looking through a few costs less. An entry whose claim has ended or was
/// extended is stale and skipped when it comes up.
struct ClaimDeadlines {
    private struct Entry: Comparable {
        let deadline: ContinuousClock.Instant
        let task: TaskID

        static func < (lhs: Entry, rhs: Entry) -> Bool { (lhs.deadline, lhs.task) < (rhs.deadline, rhs.task) }
    }

    private var heap: Heap<Entry>

    /// Sessions with fewer claims than this are looked through.
    static let few = 64

    /// Takes in all claims of a session.
    init(_ claims: [TaskID: Session.Claim]) {
        heap = Heap(claims.map { Entry(deadline: $0.value.deadline, task: $0.key) })
    }

    /// How many entries there are, stale ones too.
    var count: Int { heap.count }

    /// Notes a claim that was made or extended.
    mutating func add(_ task: TaskID, _ deadline: ContinuousClock.Instant) {
        heap.insert(Entry(deadline: deadline, task: task))
    }

    /// Returns when the first of these claims runs out.
    mutating func soonest(of claims: [TaskID: Session.Claim]) -> ContinuousClock.Instant? {
        while let first = heap.min, claims[first.task]?.deadline != first.deadline { heap.removeMin() }
        return heap.min?.deadline
    }

    /// Takes out claims that have run out, the soonest first.
    ///
    /// - Parameters:
    ///   - now: the present time.
    ///   - limit: how many at most.
    ///   - claims: what the session holds.
    /// - Returns: the tasks.
    mutating func takeDue(at now: ContinuousClock.Instant, atMost limit: Int, of claims: [TaskID: Session.Claim])
        -> [TaskID]
    {
        var due: [TaskID] = []
        while due.count < limit, let first = heap.min, first.deadline <= now {
            heap.removeMin()
            // A claim that was extended within the clock's resolution has two equal entries.
            if due.last != first.task, claims[first.task]?.deadline == first.deadline { due.append(first.task) }
        }
        return due
    }
}
