import TaskStore

/// The claims of named sessions in time: they end without their manager, and start again after a restart of the
/// machine.
extension TaskTables {
    struct NamedClaimsStatements {
        let nextEnd: Statement
        let end: Statement
        let restart: Statement

        init(_ registry: StatementRegistry) throws(SQLiteError) {
            nextEnd = try registry.prepare(
                "next end of a named claim",
                "SELECT min(due_ms) FROM task_state WHERE state = 'claimed' AND holder < 4294967296"
            )
            end = try registry.prepare(
                "end named claims",
                """
                UPDATE task_state SET state = 'pending', due_ms = NULL, holder = NULL, timeouts = timeouts + 1
                WHERE id IN (
                    SELECT id FROM task_state WHERE state = 'claimed' AND holder < 4294967296 AND due_ms <= ?1
                    ORDER BY due_ms LIMIT ?2
                )
                RETURNING tube_id, priority
                """
            )
            restart = try registry.prepare(
                "restart named claims",
                """
                UPDATE task_state INDEXED BY task_claimed_named SET due_ms = ?1 + ttr_s * 1000
                WHERE state = 'claimed' AND holder < 4294967296
                """
            )
        }
    }

    /// Ends claims of named sessions whose time to run is over, whether or not a connection is attached to the session.
    ///
    /// Any manager does this, after a grace in which the session's own manager can do it.
    func endNamedClaims() throws(SQLiteError) {
        let statement = statements.namedClaims.end
        statement.bind(claimNow - QueueRules.graceOfNamedClaims, Int64(QueueRules.mostDueAtOnce))
        _ = try makePending(statement, from: .claimed)
    }

    /// Starts the time to run of all claims of named sessions again, after claim time was started again.
    ///
    /// They outlive a restart of the machine, and how long it was off is not known for sure. This way none ends too
    /// early.
    func restartNamedClaims() throws(SQLiteError) {
        statements.namedClaims.restart.bind(claimNow)
        try statements.namedClaims.restart.run()
        nextEvents[.namedClaims] = .unknown
    }
}
