import TaskStore

extension TaskTables {
    /// Whether a tube has tasks that can be claimed, as its row says.
    func hasTasksToClaim(_ name: TubeName) throws(SQLiteError) -> Bool {
        let statement = statements.hasPending
        statement.bind(name.text, at: 1)
        defer { statement.reset() }
        return try statement.step()
    }

    /// Finds the connections of this manager whose named sessions others have taken up.
    func displacedConnections() throws(SQLiteError) -> [SessionID] {
        var displaced: [SessionID] = []
        for (connection, session) in named.all {
            let statement = statements.sessionConnection
            statement.bind(session)
            let owner = try statement.step() ? statement.int(0) : 0
            statement.reset()
            if owner != connection.rawValue { displaced.append(connection) }
        }
        return displaced
    }
}
