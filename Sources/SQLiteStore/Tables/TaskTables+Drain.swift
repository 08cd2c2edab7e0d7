import TaskStore

extension TaskTables {
    struct DrainStatements {
        let set: Statement
        let setEvent: Statement

        init(_ registry: StatementRegistry) throws(SQLiteError) {
            set = try registry.prepare(
                "set draining",
                "UPDATE manager SET draining = ?2 WHERE name = ?1 AND draining IS NOT NULL"
            )
            setEvent = try registry.prepare(
                "set event of store",
                "INSERT OR REPLACE INTO store_event (name, at_ms) VALUES (?1, ?2)"
            )
        }
    }

    /// Writes to the rows of all managers of a name whether they are to take no new tasks.
    func setDraining(_ name: String, _ isDraining: Bool) throws(SQLiteError) -> Outcome {
        statements.drain.set.bind(name, at: 1)
        statements.drain.set.bind(isDraining ? 1 : 0, at: 2)
        return try statements.drain.set.run() > 0 ? .drainingSet : .notFound
    }

    /// Writes when something was last done to the database as a whole.
    func setEvent(_ name: String, at moment: Int64) throws(SQLiteError) {
        statements.drain.setEvent.bind(name, at: 1)
        statements.drain.setEvent.bind(moment, at: 2)
        try statements.drain.setEvent.run()
    }
}
