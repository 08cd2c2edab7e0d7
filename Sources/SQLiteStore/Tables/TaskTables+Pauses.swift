import TaskStore

extension TaskTables {
    /// Returns when a tube's pause ends, or nil if it is not paused.
    ///
    /// It looks at the tube's own row, and only if there is a paused tube at all: what it costs does not depend on how many
    /// there are.
    func pauseEnd(of tube: Tube) throws(SQLiteError) -> Int64? {
        guard try nextPauseEnd() != nil else { return nil }
        if let known = tube.pause, known.edition == nextEvents.edition { return known.end }
        let statement = statements.pauseEnd
        statement.bind(tube.id)
        let end = try statement.step() ? statement.optionalInt(0) : nil
        statement.reset()
        tube.pause = (nextEvents.edition, end)
        return end
    }

    /// Returns when the first pause ends, or nil if no tube is paused.
    func nextPauseEnd() throws(SQLiteError) -> Int64? {
        if case .some(let known) = nextEvents.nextPauseEnd { return known }
        let statement = statements.nextPauseEnd
        let next = try statement.step() ? statement.optionalInt(0) : nil
        statement.reset()
        nextEvents.nextPauseEnd = .some(next)
        return next
    }

    /// Ends pauses that are over, the longest over first; more may be left.
    func endPauses() throws(SQLiteError) {
        let statement = statements.endedPauses
        statement.bind(now, Int64(QueueRules.mostDueAtOnce))
        var ended: [Int64] = []
        while try statement.step() { ended.append(statement.int(0)) }
        for id in ended { try setPause(try tube(id), seconds: 0, until: nil, counted: false) }
    }

    /// Pauses a tube, or ends its pause.
    func pause(_ name: TubeName, seconds: UInt32) throws(SQLiteError) -> Outcome {
        guard let tube = try tube(name) else { return .notFound }
        let until = seconds == 0 ? nil : now + Int64(seconds) * 1000
        try setPause(tube, seconds: seconds, until: until, counted: true)
        durability = .everything
        return .paused
    }

    /// Writes a tube's pause.
    private func setPause(_ tube: Tube, seconds: UInt32, until: Int64?, counted: Bool) throws(SQLiteError) {
        let wasPaused = try pauseEnd(of: tube) != nil
        let statement = statements.pauseTube
        statement.bind(tube.id, Int64(seconds))
        statement.bind(until, at: 3)
        statement.bind(counted ? 1 : 0, at: 4)
        try statement.run()
        touch(tube)
        if wasPaused, until == nil {
            tube.wasUnpaused = true
            drained = nil
        }
        tube.pause = (nextEvents.edition, until)
        nextEvents.nextPauseEnd = nil
    }
}
