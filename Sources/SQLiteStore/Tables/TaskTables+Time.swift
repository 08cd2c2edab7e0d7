import TaskStore

/// What the passing of time ends: the sources of such events are listed in ``TimeSource``.
extension TaskTables {
    struct TimeStatements {
        let nextDelayEnd: Statement
        let endDelays: Statement

        init(_ registry: StatementRegistry) throws(SQLiteError) {
            nextDelayEnd = try registry.prepare(
                "next end of a delay",
                "SELECT min(due_ms) FROM task_state WHERE state = 'delayed'"
            )
            endDelays = try registry.prepare(
                "end delays",
                """
                UPDATE task_state NOT INDEXED SET state = 'pending', due_ms = NULL
                WHERE id IN (
                    SELECT id FROM task_state WHERE state = 'delayed' AND due_ms <= ?1 ORDER BY due_ms, id LIMIT ?2
                )
                RETURNING tube_id, priority
                """
            )
        }
    }

    /// Returns whether an event is due.
    func hasDueEvents() throws(SQLiteError) -> Bool {
        for source in TimeSource.allCases {
            if let next = try nextEvent(of: source), next <= time(of: source) { return true }
        }
        return false
    }

    /// Returns the number of milliseconds until the next event; nil if there is none.
    func timeToNextEvent() throws(SQLiteError) -> Int64? {
        var next: Int64?
        for source in TimeSource.allCases {
            guard let event = try nextEvent(of: source) else { continue }
            next = min(next ?? .max, event - time(of: source))
        }
        return next
    }

    /// Ends what is due.
    ///
    /// - Returns: whether something was.
    /// - Throws: SQLite's error.
    func applyDueEvents() throws(SQLiteError) -> Bool {
        var hasEnded = false
        for source in TimeSource.allCases {
            guard let next = try nextEvent(of: source), next <= time(of: source) else { continue }
            hasEnded = true
            switch source {
            case .pauses: try endPauses()
            case .namedClaims: try endNamedClaims()
            case .delays: try endDelays()
            }
            nextEvents[source] = .unknown
        }
        return hasEnded
    }

    /// Returns the next event of a source, on the source's clock; nil if there is none.
    func nextEvent(of source: TimeSource) throws(SQLiteError) -> Int64? {
        if case .known(let next) = nextEvents[source] { return next }
        let (statement, grace) = nextEventQuery(of: source)
        let next = try statement.step() ? statement.optionalInt(0).map { $0 + grace } : nil
        statement.reset()
        nextEvents[source] = .known(next)
        return next
    }

    private func nextEventQuery(of source: TimeSource) -> (Statement, grace: Int64) {
        switch source {
        case .pauses: (statements.pause.nextEnd, 0)
        case .namedClaims: (statements.namedClaims.nextEnd, QueueRules.graceOfNamedClaims)
        case .delays: (statements.time.nextDelayEnd, 0)
        }
    }

    /// The time on the clock of a source.
    private func time(of source: TimeSource) -> Int64 {
        source == .namedClaims ? claimNow : now
    }

    private func endDelays() throws(SQLiteError) {
        let statement = statements.time.endDelays
        statement.bind(now, Int64(QueueRules.mostDueAtOnce))
        _ = try makePending(statement, from: .delayed)
    }
}
