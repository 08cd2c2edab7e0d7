import TaskStore

extension TaskTables {
    struct PauseStatements {
        let set: Statement
        let end: Statement
        let nextEnd: Statement
        let due: Statement

        init(_ registry: StatementRegistry) throws(SQLiteError) {
            set = try registry.prepare(
                "set a pause",
                "UPDATE tube SET pause_s = ?2, paused_until_ms = ?3, pauses = pauses + ?4 WHERE id = ?1"
            )
            end = try registry.prepare("end of a pause", "SELECT paused_until_ms FROM tube WHERE id = ?1")
            nextEnd = try registry.prepare(
                "next end of a pause",
                "SELECT min(paused_until_ms) FROM tube INDEXED BY tube_paused WHERE paused_until_ms IS NOT NULL"
            )
            due = try registry.prepare(
                "pauses that are over",
                """
                SELECT id FROM tube INDEXED BY tube_paused
                WHERE paused_until_ms IS NOT NULL AND paused_until_ms <= ?1 ORDER BY paused_until_ms LIMIT ?2
                """
            )
        }
    }

    /// Pauses a tube, or ends its pause.
    func pause(_ name: TubeName, seconds: UInt32) throws(SQLiteError) -> Outcome {
        guard let tube = try findTube(name) else { return .notFound }
        let until = seconds == 0 ? nil : now + Int64(seconds) * 1000
        try setPause(tube, seconds: seconds, until: until, isCounted: true)
        return .paused
    }

    /// Returns when a tube's pause ends, or nil if it is not paused.
    ///
    /// It reads the tube's own row, and only if a tube is paused at all. So the cost does not depend on the number of
    /// paused tubes.
    func pauseEnd(of tube: Tube) throws(SQLiteError) -> Int64? {
        guard try nextEvent(of: .pauses) != nil else { return nil }
        if let known = tube.pause, known.generation == nextEvents.generation { return known.end }
        let statement = statements.pause.end
        statement.bind(tube.id)
        let end = try statement.step() ? statement.optionalInt(0) : nil
        statement.reset()
        tube.pause = (nextEvents.generation, end)
        return end
    }

    /// Ends pauses that are over, the earliest first, up to a limit.
    func endPauses() throws(SQLiteError) {
        let statement = statements.pause.due
        statement.bind(now, Int64(QueueRules.mostDueAtOnce))
        var ended: [Int64] = []
        while try statement.step() { ended.append(statement.int(0)) }
        for id in ended { try setPause(try tube(withID: id), seconds: 0, until: nil, isCounted: false) }
    }

    /// Writes a tube's pause.
    private func setPause(_ tube: Tube, seconds: UInt32, until: Int64?, isCounted: Bool) throws(SQLiteError) {
        let wasPaused = try pauseEnd(of: tube) != nil
        let statement = statements.pause.set
        statement.bind(tube.id, Int64(seconds))
        statement.bind(until, at: 3)
        statement.bind(isCounted ? 1 : 0, at: 4)
        try statement.run()
        markChanged(tube)
        if wasPaused, until == nil {
            tube.wasUnpaused = true
            exhaustedTubes = nil
        }
        tube.pause = (nextEvents.generation, until)
        nextEvents[.pauses] = .unknown
    }
}
