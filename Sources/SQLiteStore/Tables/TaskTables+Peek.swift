import TaskStore

extension TaskTables {
    struct PeekStatements {
        let first: StatementPerState

        init(_ registry: StatementRegistry) throws(SQLiteError) {
            first = try StatementPerState(registry, "first") { $0.firstTasks(limit: "1") }
        }
    }

    /// Reads one task.
    func peek(_ id: TaskID) throws(SQLiteError) -> Outcome {
        let statement = statements.body.read
        statement.bind(id.rawValue)
        guard try statement.step() else { return .notFound }
        defer { statement.reset() }
        guard let body = Self.checkedBody(of: id.rawValue, in: statement, at: 0) else { return .damaged }
        return .found(id, body: body)
    }

    /// Reads the first task of a tube that is in a state.
    func peekNext(_ name: TubeName, _ state: TaskState) throws(SQLiteError) -> Outcome {
        guard let state = OrderedState(state), let tube = try findTube(name) else { return .notFound }
        let statement = statements.peek.first[state]
        statement.bind(tube.id)
        guard try statement.step() else { return .notFound }
        let id = TaskID(rawValue: statement.int(0))
        statement.reset()
        return try peek(id)
    }
}
