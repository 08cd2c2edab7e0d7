import TaskStore

extension TaskTables {
    struct BreakClaimStatements {
        let task: Statement

        init(_ registry: StatementRegistry) throws(SQLiteError) {
            task = try registry.prepare(
                "break claim",
                """
                UPDATE task_state SET state = 'pending', due_ms = NULL, holder = NULL WHERE id = ?1 AND state = 'claimed'
                """
            )
        }
    }

    /// Ends the claim of a task, whichever session holds it.
    func breakClaim(of id: TaskID) throws(SQLiteError) -> Outcome {
        guard let task = try findTask(id), task.state == .claimed else { return .notFound }
        statements.breakClaim.task.bind(id.rawValue)
        guard try statements.breakClaim.task.run() == 1 else { return .notFound }
        claimEnded(task, in: try tube(withID: task.tube), .broken)
        if task.holder <= NamedSessionID.largest { nextEvents[.namedClaims] = .unknown }
        return .broken
    }
}
