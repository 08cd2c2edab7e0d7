import TaskStore

extension TaskTables {
    struct ClearStatements {
        let first: StatementPerState

        init(_ registry: StatementRegistry) throws(SQLiteError) {
            first = try StatementPerState(registry, "clear") { state in
                """
                DELETE FROM task_state WHERE id IN (
                    \(state.firstTasks(limit: "?2"))
                )
                RETURNING id, priority, keyed
                """
            }
        }
    }

    /// Deletes tasks of a tube that are in one state, the first ones first.
    func clear(_ name: TubeName, _ state: TaskState, limit: Int) throws(SQLiteError) -> Outcome {
        guard let orderedState = OrderedState(state), let tube = try findTube(name) else { return .notFound }
        let statement = statements.clear.first[orderedState]
        statement.bind(tube.id, Int64(limit))
        var cleared: [TaskRow] = []
        while try statement.step() {
            cleared.append(
                TaskRow(
                    id: statement.int(0),
                    tube: tube.id,
                    state: state,
                    priority: statement.int(1),
                    isKeyed: statement.int(2) != 0
                )
            )
        }
        guard !cleared.isEmpty else { return .cleared(0) }
        // Cheaper than to remove each task.
        tube.prefetch.invalidate()
        if state == .delayed { nextEvents[.delays] = .unknown }
        for task in cleared { try finished(task, in: tube) }
        return .cleared(cleared.count)
    }
}
