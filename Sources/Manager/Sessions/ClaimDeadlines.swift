internal import HeapModule
internal import TaskStore

/// The deadlines of one session's claims, the soonest first.
///
/// Only a session that holds many claims has one, since searching a few claims costs less. An entry whose claim has
/// ended or was extended is stale, and is skipped when its time comes.
struct ClaimDeadlines {
    private struct Entry: Comparable {
        let deadline: ContinuousClock.Instant
        let task: TaskID

        static func < (lhs: Entry, rhs: Entry) -> Bool { (lhs.deadline, lhs.task) < (rhs.deadline, rhs.task) }
    }

    private var heap: Heap<Entry>

    /// The claims of a session are searched if there are fewer than this.
    static let few = 64

    /// Makes the deadlines of all claims of a session.
    init(_ claims: [TaskID: SessionClaims.Claim]) {
        heap = Heap(claims.map { Entry(deadline: $0.value.deadline, task: $0.key) })
    }

    /// The number of entries, including stale ones.
    var count: Int { heap.count }

    /// Notes a claim that was made or extended.
    mutating func add(_ task: TaskID, _ deadline: ContinuousClock.Instant) {
        heap.insert(Entry(deadline: deadline, task: task))
    }

    /// Returns the first deadline of these claims.
    mutating func soonest(of claims: [TaskID: SessionClaims.Claim]) -> ContinuousClock.Instant? {
        while let first = heap.min, claims[first.task]?.deadline != first.deadline { heap.removeMin() }
        return heap.min?.deadline
    }

    /// Removes and returns claims whose deadlines are over, the soonest first.
    ///
    /// - Parameters:
    ///   - now: the present time.
    ///   - limit: the most tasks to return.
    ///   - claims: the session's claims.
    /// - Returns: the tasks.
    mutating func takeDue(at now: ContinuousClock.Instant, atMost limit: Int, of claims: [TaskID: SessionClaims.Claim])
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
