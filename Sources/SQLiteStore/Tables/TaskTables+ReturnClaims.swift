import TaskStore

/// The end of many claims at once: their sessions have ended, or their manager does not end them in time.
extension TaskTables {
    struct ReturnClaimsStatements {
        let ofHolders: Statement
        let findOverdue: Statement
        let overdue: Statement

        init(_ registry: StatementRegistry) throws(SQLiteError) {
            ofHolders = try registry.prepare(
                "return claims of holders",
                """
                UPDATE task_state NOT INDEXED SET state = 'pending', due_ms = NULL, holder = NULL
                WHERE state = 'claimed' AND id IN (
                    SELECT id FROM task_state WHERE state = 'claimed' AND holder BETWEEN ?1 AND ?2 LIMIT ?3
                )
                RETURNING tube_id, priority
                """
            )
            findOverdue = try registry.prepare(
                "find overdue claim",
                """
                SELECT 1 FROM task_state WHERE state = 'claimed' AND holder BETWEEN ?1 AND ?2 AND due_ms <= ?3 LIMIT 1
                """
            )
            overdue = try registry.prepare(
                "end overdue claims",
                """
                UPDATE task_state NOT INDEXED SET state = 'pending', due_ms = NULL, holder = NULL, timeouts = timeouts + 1
                WHERE state = 'claimed' AND id IN (
                    SELECT id FROM task_state
                    WHERE state = 'claimed' AND holder BETWEEN ?1 AND ?2 AND due_ms <= ?3 LIMIT ?4
                )
                RETURNING tube_id, priority
                """
            )
        }
    }

    /// Ends the claims of sessions that have ended.
    ///
    /// A power cut may undo this. It ends the sessions too, and then their claims are returned once more.
    ///
    /// - Parameters:
    ///   - holders: the sessions.
    ///   - limit: the largest number of claims.
    /// - Returns: the number of claims.
    /// - Throws: SQLite's error.
    func returnClaims(of holders: ClosedRange<Int64>, limit: Int = Batch.mostRows) throws(SQLiteError) -> Int {
        let statement = statements.returnClaims.ofHolders
        statement.bind(holders.lowerBound, holders.upperBound, Int64(limit))
        return try makePending(statement, from: .claimed)
    }

    /// Returns whether connections of a manager hold tasks whose time to run was over at a moment of claim time.
    func hasOverdueClaims(of manager: ManagerID, before moment: Int64) throws(SQLiteError) -> Bool {
        let statement = statements.returnClaims.findOverdue
        let holders = SessionID.all(of: manager)
        statement.bind(holders.lowerBound, holders.upperBound, moment)
        defer { statement.reset() }
        return try statement.step()
    }

    /// Ends such claims.
    ///
    /// - Returns: the number of claims.
    /// - Throws: SQLite's error.
    func endOverdueClaims(of manager: ManagerID, before moment: Int64, limit: Int) throws(SQLiteError) -> Int {
        let statement = statements.returnClaims.overdue
        let holders = SessionID.all(of: manager)
        statement.bind(holders.lowerBound, holders.upperBound, moment, Int64(limit))
        return try makePending(statement, from: .claimed)
    }
}
