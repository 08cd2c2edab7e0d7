import TaskStore

extension TaskTables {
    struct EditStatements {
        let task: Statement

        init(_ registry: StatementRegistry) throws(SQLiteError) {
            task = try registry.prepare(
                "edit task",
                """
                UPDATE task_state SET state = ?2, priority = ?3, ttr_s = ?4, due_ms = ?5, delay_s = coalesce(?6, delay_s)
                WHERE id = ?1 AND state <> 'claimed'
                """
            )
        }
    }

    /// Changes a task that no session holds.
    func edit(_ id: TaskID, _ edit: TaskEdit) throws(SQLiteError) -> Outcome {
        guard let old = try findTask(id), old.state != .claimed, old.state != .buried || edit.delay == nil else {
            return .notFound
        }
        var new = old
        if let priority = edit.priority { new.priority = Int64(priority) }
        if let timeToRun = edit.timeToRun { new.timeToRun = Int64(timeToRun) }
        if let delay = edit.delay {
            let due = delayEnd(after: delay)
            new.state = due == nil ? .pending : .delayed
            new.due = due ?? 0
        }
        let statement = statements.edit.task
        statement.bind(id.rawValue)
        statement.bind(new.state.rawValue, at: 2)
        statement.bind(new.priority, at: 3)
        statement.bind(new.timeToRun, at: 4)
        statement.bind(new.state == .delayed ? new.due : nil, at: 5)
        statement.bind(edit.delay.map(Int64.init), at: 6)
        guard try statement.run() == 1 else { return .notFound }
        edited(old, new, in: try tube(withID: old.tube))
        return .edited
    }
}
