import TaskStore

/// Unique keys: a key is known in its tube from the put of its task until the retention time after the task is
/// finished.
extension TaskTables {
    struct KeyStatements {
        let find: Statement
        let set: Statement
        let retire: Statement
        let removeOld: Statement

        init(_ registry: StatementRegistry) throws(SQLiteError) {
            find = try registry.prepare(
                "find key",
                "SELECT task_id, kept_until_ms FROM unique_key WHERE tube = ?1 AND key = ?2"
            )
            set = try registry.prepare(
                "set key",
                "INSERT OR REPLACE INTO unique_key (tube, key, task_id) VALUES (?1, ?2, ?3)"
            )
            retire = try registry.prepare(
                "keep key for a time",
                "UPDATE unique_key SET kept_until_ms = ?2 WHERE task_id = ?1"
            )
            removeOld = try registry.prepare(
                "remove old keys",
                """
                DELETE FROM unique_key WHERE (tube, key) IN (
                    SELECT tube, key FROM unique_key WHERE kept_until_ms IS NOT NULL AND kept_until_ms <= ?1
                    ORDER BY kept_until_ms LIMIT ?2
                )
                """
            )
        }
    }

    /// How many keys past their time a batch removes for each that it adds: more than one, so that they cannot pile up.
    private static let keysRemovedPerPut: Int64 = 2

    /// Finds the task with a key, which may be finished.
    ///
    /// - Returns: nil if the tube does not know the key.
    /// - Throws: SQLite's error.
    func findTask(withKey key: UniqueKey, in tube: TubeName) throws(SQLiteError) -> TaskID? {
        let find = statements.key.find
        find.bind(tube.text, at: 1)
        find.bind(key.text, at: 2)
        guard try find.step() else { return nil }
        let id = TaskID(rawValue: find.int(0))
        let keptUntil = find.optionalInt(1)
        find.reset()
        if let keptUntil, keptUntil <= now { return nil }
        return id
    }

    /// Writes the key of a task that was just added.
    func setKey(_ key: UniqueKey, in tube: TubeName, of id: TaskID) throws(SQLiteError) {
        let set = statements.key.set
        set.bind(tube.text, at: 1)
        set.bind(key.text, at: 2)
        set.bind(id.rawValue, at: 3)
        try set.run()
        keysAdded += 1
    }

    /// Keeps the key of a task that is finished for the retention time.
    func retireKey(of id: Int64) throws(SQLiteError) {
        statements.key.retire.bind(id, now + keyRetention)
        try statements.key.retire.run()
    }

    /// Removes some keys past their time, if the batch has added others.
    func removeKeysForAdded() throws(SQLiteError) {
        if keysAdded > 0 { try removeOldKeys(atMost: keysAdded * Self.keysRemovedPerPut) }
    }

    /// Removes keys whose retention time is over.
    ///
    /// - Returns: the number of keys.
    /// - Throws: SQLite's error.
    @discardableResult
    func removeOldKeys(atMost limit: Int64) throws(SQLiteError) -> Int {
        statements.key.removeOld.bind(now, limit)
        return try statements.key.removeOld.run()
    }
}
