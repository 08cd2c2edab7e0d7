import TaskStore

extension TaskTables {
    struct EndSessionStatements {
        let detach: Statement

        init(_ registry: StatementRegistry) throws(SQLiteError) {
            detach = try registry.prepare("detach session", "UPDATE session SET connection = NULL WHERE id = ?1")
        }
    }

    /// Ends a named session: its connection is superseded, and its claims are returned.
    ///
    /// The row is removed with the last claim.
    func endSession(_ number: Int64) throws(SQLiteError) -> Outcome {
        guard number <= NamedSessionID.largest else { return .notFound }
        let find = statements.session.connection
        find.bind(number)
        guard try find.step() else { return .notFound }
        let former = find.optionalInt(0).map(SessionID.init(rawValue:))
        find.reset()
        // It may wait for tasks, and has to be told.
        if let former, former.manager != manager { supersedesElsewhere = true }
        statements.endSession.detach.bind(number)
        try statements.endSession.detach.run()
        let returned = try returnClaims(of: number...number)
        nextEvents[.namedClaims] = .unknown
        if returned < Batch.mostRows {
            statements.session.deleteIdle.bind(number)
            try statements.session.deleteIdle.run()
        }
        return .ended(returned)
    }
}
