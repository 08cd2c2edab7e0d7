import TaskStore

extension TaskTables {
    struct KickStatements {
        let buried: Statement
        let delayed: Statement
        let task: Statement

        init(_ registry: StatementRegistry) throws(SQLiteError) {
            buried = try registry.prepare("kick buried", Self.kickFirst(.buried))
            delayed = try registry.prepare("kick delayed", Self.kickFirst(.delayed))
            task = try registry.prepare(
                "kick task",
                """
                UPDATE task_state SET state = 'pending', due_ms = NULL, buried_order = NULL, kicks = kicks + 1
                WHERE id = ?1 AND state IN ('buried', 'delayed')
                """
            )
        }

        private static func kickFirst(_ state: OrderedState) -> String {
            """
            UPDATE task_state NOT INDEXED SET state = 'pending', \(state.orderColumn) = NULL, kicks = kicks + 1
            WHERE state = '\(state.rawValue)' AND id IN (
                \(state.firstTasks(limit: "?2"))
            )
            RETURNING tube_id, priority
            """
        }
    }

    /// Makes buried tasks of a tube pending, or delayed ones if none is buried; or only those in one of the states.
    func kick(_ name: TubeName, bound: Int, from state: TaskState? = nil) throws(SQLiteError) -> Int {
        guard bound > 0, let tube = try findTube(name) else { return 0 }
        if state != .delayed {
            let buried = try kickFirst(statements.kick.buried, .buried, of: tube, bound: bound)
            if buried > 0 || state == .buried { return buried }
        }
        return try kickFirst(statements.kick.delayed, .delayed, of: tube, bound: bound)
    }

    private func kickFirst(
        _ statement: Statement,
        _ state: TaskState,
        of tube: Tube,
        bound: Int
    ) throws(SQLiteError) -> Int {
        statement.bind(tube.id, Int64(bound))
        return try makePending(statement, from: state)
    }

    /// Makes one buried or delayed task pending.
    func kickTask(_ id: TaskID) throws(SQLiteError) -> Outcome {
        guard let task = try findTask(id), task.state == .buried || task.state == .delayed else { return .notFound }
        statements.kick.task.bind(id.rawValue)
        guard try statements.kick.task.run() == 1 else { return .notFound }
        let tube = try tube(withID: task.tube)
        leftState(task, in: tube)
        becamePending(PendingTask(task, priority: task.priority), in: tube, from: (task.state, task.priority))
        return .kicked(1)
    }
}
