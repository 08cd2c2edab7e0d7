import TaskStore

/// The verbs for the holder of a task: `release`, `bury`, `touch`, and the end of its time to run.
extension TaskTables {
    struct EndClaimStatements {
        let release: Statement
        let bury: Statement
        let touch: Statement
        let expire: Statement

        init(_ registry: StatementRegistry) throws(SQLiteError) {
            release = try registry.prepare(
                "release",
                """
                UPDATE task_state SET state = iif(?5 IS NULL, 'pending', 'delayed'), priority = ?3, delay_s = ?4,
                    due_ms = ?5, holder = NULL, releases = releases + 1
                WHERE id = ?1 AND holder = ?2
                """
            )
            bury = try registry.prepare(
                "bury",
                """
                UPDATE task_state SET state = 'buried', priority = ?3, due_ms = NULL, holder = NULL, buries = buries + 1,
                    buried_order = (
                        SELECT coalesce(max(buried_order), 0) + 1 FROM task_state WHERE state = 'buried' AND tube_id = ?4
                    )
                WHERE id = ?1 AND holder = ?2
                """
            )
            touch = try registry.prepare(
                "touch",
                "UPDATE task_state SET due_ms = ?3 + ttr_s * 1000 WHERE id = ?1 AND holder = ?2"
            )
            expire = try registry.prepare(
                "expire",
                """
                UPDATE task_state SET state = 'pending', due_ms = NULL, holder = NULL, timeouts = timeouts + 1
                WHERE id = ?1 AND holder = ?2
                """
            )
        }
    }

    /// Ends the holder's claim, and makes the task pending, at once or after a delay.
    func release(
        _ id: TaskID,
        priority: UInt32,
        delay: UInt32,
        by holder: ClaimHolder
    ) throws(SQLiteError) -> Outcome {
        guard let task = try findTask(id, heldBy: holder) else { return .notFound }
        let due = delayEnd(after: delay)
        let statement = statements.endClaim.release
        statement.bind(id.rawValue, holder.rawValue, Int64(priority), Int64(delay))
        statement.bind(due, at: 5)
        guard try statement.run() == 1 else { return .notFound }
        claimEnded(task, in: try tube(withID: task.tube), .released(priority: Int64(priority), due: due))
        return .released
    }

    /// Ends the holder's claim and buries the task.
    func bury(_ id: TaskID, priority: UInt32, by holder: ClaimHolder) throws(SQLiteError) -> Outcome {
        guard let task = try findTask(id, heldBy: holder) else { return .notFound }
        let statement = statements.endClaim.bury
        statement.bind(id.rawValue, holder.rawValue, Int64(priority), task.tube)
        guard try statement.run() == 1 else { return .notFound }
        claimEnded(task, in: try tube(withID: task.tube), .buried(priority: Int64(priority)))
        return .buried
    }

    /// Starts the time to run of the holder's claim again.
    func touch(_ id: TaskID, by holder: ClaimHolder) throws(SQLiteError) -> Outcome {
        let statement = statements.endClaim.touch
        statement.bind(id.rawValue, holder.rawValue, claimNow)
        guard try statement.run() == 1 else { return .notFound }
        return .touched
    }

    /// Ends the holder's claim because its time to run is over.
    func expire(_ id: TaskID, of holder: ClaimHolder) throws(SQLiteError) -> Outcome {
        guard let task = try findTask(id, heldBy: holder) else { return .notFound }
        let statement = statements.endClaim.expire
        statement.bind(id.rawValue, holder.rawValue)
        guard try statement.run() == 1 else { return .notFound }
        claimEnded(task, in: try tube(withID: task.tube), .timedOut)
        return .released
    }
}
