import TaskStore

extension TaskTables {
    /// Whether a delay, a pause, or a claim of a named session has ended.
    func isTimeDue() throws(SQLiteError) -> Bool {
        guard let next = try timeToNextEvent() else { return false }
        return next <= 0
    }

    /// In how many milliseconds the next delay, pause, or claim of a named session ends; nil if there is none.
    func timeToNextEvent() throws(SQLiteError) -> Int64? {
        var next = try nextDue().map { $0 - now }
        if let end = try nextNamedEnd() { next = min(next ?? .max, end - claimNow) }
        if let end = try nextPauseEnd() { next = min(next ?? .max, end - now) }
        return next
    }

    /// Ends the delays and pauses that are over.
    ///
    /// - Returns: whether there were any.
    func letTimePass() throws(SQLiteError) -> Bool {
        guard try isTimeDue() else { return false }
        if let end = try nextPauseEnd(), end <= now { try endPauses() }
        if let end = try nextNamedEnd(), end <= claimNow { try endNamedClaims() }
        if let due = try nextDue(), due <= now {
            let statement = statements.makeDuePending
            statement.bind(now, Int64(QueueRules.mostDueAtOnce))
            while try statement.step() {
                let tube = try tube(statement.int(0))
                let priority = statement.int(1)
                count(tube, from: (.delayed, priority), to: (.pending, priority))
                tube.front.forget()
            }
            nextEvents.nextDue = nil
        }
        return true
    }

    private func nextDue() throws(SQLiteError) -> Int64? {
        if case .some(let known) = nextEvents.nextDue { return known }
        let statement = statements.nextDue
        let next = try statement.step() ? statement.optionalInt(0) : nil
        statement.reset()
        nextEvents.nextDue = .some(next)
        return next
    }
}
