import TaskStore

extension TaskTables {
    struct FindTaskStatements {
        let byID: Statement

        init(_ registry: StatementRegistry) throws(SQLiteError) {
            byID = try registry.prepare(
                "find task",
                "SELECT tube_id, state, priority, ttr_s, due_ms, holder, keyed FROM task_state WHERE id = ?1"
            )
        }
    }

    /// Reads a task's row.
    ///
    /// - Returns: nil if there is no such task.
    /// - Throws: SQLite's error.
    func findTask(_ id: TaskID) throws(SQLiteError) -> TaskRow? {
        let statement = statements.findTask.byID
        statement.bind(id.rawValue)
        guard try statement.step() else { return nil }
        defer { statement.reset() }
        guard let state = TaskState(firstByte: statement.firstByte(1)) else {
            throw SQLiteError(corrupt: "task \(id) is in no known state")
        }
        return TaskRow(
            id: id.rawValue,
            tube: statement.int(0),
            state: state,
            priority: statement.int(2),
            timeToRun: statement.int(3),
            due: statement.int(4),
            holder: statement.int(5),
            isKeyed: statement.int(6) != 0
        )
    }

    /// Reads a task's row if a connection or named session holds the task.
    func findTask(_ id: TaskID, heldBy holder: ClaimHolder) throws(SQLiteError) -> TaskRow? {
        guard let task = try findTask(id), task.state == .claimed, task.holder == holder.rawValue else { return nil }
        return task
    }

    /// Returns whether an operation may find the task that it names, in the tube that the task is in now.
    ///
    /// - Returns: true if the operation names no task; false if there is no such task.
    /// - Throws: SQLite's error.
    func mayFindTask(of operation: TaskStore.Operation, _ access: AccessFilter) throws(SQLiteError) -> Bool {
        guard let id = operation.action.task else { return true }
        guard let task = try findTask(id) else { return false }
        let holder = try currentHolder(for: operation.session)
        // A connection that takes up a named session still holds the tasks that it has not brought to it.
        let isHeld =
            task.state == .claimed && (task.holder == holder.rawValue || task.holder == operation.session.rawValue)
        return access.finds(taskIn: try tube(withID: task.tube).name, isHeld: isHeld)
    }
}
