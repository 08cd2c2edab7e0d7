import TaskStore

/// What a batch has done of the work that is due, and when the next batch is needed for more.
struct DueWork {
    /// After how many milliseconds to look again for what is due and could not be ended.
    private static let pause: Int64 = 100

    /// Whether not everything that is due could be ended: it is locked by another program, or the server's clock is not
    /// trusted yet.
    var isStillDue = false

    /// Whether more claims of holders that are gone can be returned at once.
    private var canReturnMore = false

    /// How many tasks have become pending before the operations, by the state that they had.
    private var moved: [TaskState: Int64] = [:]

    mutating func noteMoved(_ count: Int64, from state: TaskState) {
        moved[state, default: 0] += count
    }

    /// Notes that a holder has more claims, after `count` were returned.
    mutating func noteClaimsLeft(afterReturning count: Int64) {
        if count >= Int64(Batch.mostRows) { canReturnMore = true }
    }

    /// Returns when another batch is needed.
    ///
    /// - Parameters:
    ///   - next: when the next delay, pause, or claim of a named session ends.
    ///   - now: the time of the batch.
    /// - Returns: the time; nil if nothing is ahead.
    func nextEvent(_ next: Int64?, at now: Int64) -> Int64? {
        let isFull = moved.values.contains { $0 >= Int64(QueueRules.mostDueAtOnce) }
        if canReturnMore || isFull { return now }
        guard isStillDue, let next else { return next }
        return max(next, now + Self.pause)
    }
}
