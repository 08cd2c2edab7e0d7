import TaskStore

extension TaskTables {
    struct MoveStatements {
        let first: StatementPerState
        let task: Statement

        init(_ registry: StatementRegistry) throws(SQLiteError) {
            first = try StatementPerState(registry, "tasks to move") { state in
                state.firstTasks("id, priority, ttr_s, keyed, due_ms", limit: "?2")
            }
            task = try registry.prepare(
                "move task",
                """
                UPDATE task_state SET tube_id = ?2,
                    buried_order = iif(state = 'buried', (
                        SELECT coalesce(max(buried_order), 0) + 1 FROM task_state WHERE state = 'buried' AND tube_id = ?2
                    ), NULL)
                WHERE id = ?1 AND state <> 'claimed'
                """
            )
        }
    }

    /// Moves a task that no session holds to another tube.
    func move(_ id: TaskID, to name: TubeName) throws(SQLiteError) -> Outcome {
        guard let task = try findTask(id), task.state != .claimed else { return .notFound }
        try move(task, from: try tube(withID: task.tube), to: try findOrMakeTube(name))
        return .moved(1)
    }

    /// Moves tasks of a tube that are in one state, the first ones first.
    func moveTasks(from source: TubeName, to target: TubeName, _ state: TaskState, limit: Int) throws(SQLiteError)
        -> Outcome
    {
        guard let orderedState = OrderedState(state), let former = try findTube(source) else { return .notFound }
        guard source != target, limit > 0 else { return .moved(0) }
        let statement = statements.move.first[orderedState]
        statement.bind(former.id, Int64(limit))
        var tasks: [TaskRow] = []
        while try statement.step() {
            tasks.append(
                TaskRow(
                    id: statement.int(0),
                    tube: former.id,
                    state: state,
                    priority: statement.int(1),
                    timeToRun: statement.int(2),
                    due: statement.int(4),
                    isKeyed: statement.int(3) != 0
                )
            )
        }
        guard !tasks.isEmpty else { return .moved(0) }
        let tube = try findOrMakeTube(target)
        // Cheaper than to remove each task.
        former.prefetch.invalidate()
        for task in tasks { try move(task, from: former, to: tube) }
        return .moved(tasks.count)
    }

    private func move(_ task: TaskRow, from former: Tube, to tube: Tube) throws(SQLiteError) {
        guard former.id != tube.id else { return }
        let statement = statements.move.task
        statement.bind(task.id, tube.id)
        try statement.run()
        try moved(task, from: former, to: tube)
    }
}
