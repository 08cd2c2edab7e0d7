import TaskStore

/// The managers' own rows.
extension TaskTables {
    struct ManagerStatements {
        let all: Statement
        let byID: Statement
        let insert: Statement
        let delete: Statement
        let heartbeat: Statement
        let setClaimClock: Statement
        let tubes: Statement

        init(_ registry: StatementRegistry) throws(SQLiteError) {
            all = try registry.prepare("list managers", "SELECT id, name, slot, draining FROM manager ORDER BY id")
            byID = try registry.prepare("find manager", "SELECT 1 FROM manager WHERE id = ?1")
            insert = try registry.prepare(
                "add manager",
                """
                INSERT INTO manager (name, address, pid, slot, version, started_ms, heartbeat_ms, host, draining)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, ?7, 0)
                """
            )
            delete = try registry.prepare("remove manager", "DELETE FROM manager WHERE id = ?1")
            heartbeat = try registry.prepare(
                "heartbeat",
                "UPDATE manager SET heartbeat_ms = ?2, figures = ?3 WHERE id = ?1"
            )
            setClaimClock = try registry.prepare(
                "set claim clock",
                "UPDATE claim_clock SET ahead_ms = ?1 WHERE abs(ahead_ms - ?1) > ?2"
            )
            tubes = try registry.prepare(
                "tubes of manager",
                "SELECT tube_id FROM tube_user WHERE manager_id = ?1 LIMIT ?2"
            )
        }
    }

    /// Reads the rows of all managers but this one.
    func peers() throws(SQLiteError) -> [ManagerRow] {
        try managers().filter { $0.id != manager }
    }

    /// Reads the rows of all managers.
    func managers() throws(SQLiteError) -> [ManagerRow] {
        let statement = statements.manager.all
        var rows: [ManagerRow] = []
        while try statement.step() {
            rows.append(
                ManagerRow(
                    id: ManagerID(rawValue: statement.int(0)),
                    name: statement.text(1),
                    slot: Int(statement.int(2)),
                    isToldToDrain: statement.int(3) == 1
                )
            )
        }
        return rows
    }

    /// Returns whether a manager has a row.
    func exists(_ manager: ManagerID) throws(SQLiteError) -> Bool {
        let statement = statements.manager.byID
        statement.bind(manager.rawValue)
        defer { statement.reset() }
        return try statement.step()
    }

    /// Adds this manager's row and takes its id.
    ///
    /// - Throws: ``SQLiteError``, also if all ids were given: with a larger one, a connection's id would not fit into
    ///   63 bits.
    func register(
        name: String,
        address: String,
        version: String,
        host: String,
        process: Int64,
        slot: Int
    ) throws(SQLiteError) {
        let last = try database.integer("SELECT max(seq) FROM sqlite_sequence WHERE name = 'manager'") ?? 0
        guard last < ManagerID.largest else { throw SQLiteError(noNumberFor: "a manager") }
        let statement = statements.manager.insert
        statement.bind(name, at: 1)
        statement.bind(address, at: 2)
        statement.bind(process, at: 3)
        statement.bind(Int64(slot), at: 4)
        statement.bind(version, at: 5)
        statement.bind(now, at: 6)
        statement.bind(host, at: 7)
        try statement.run()
        manager = ManagerID(rawValue: database.lastInsertedRow)
    }

    /// Writes that this manager lives, and its figures.
    ///
    /// - Returns: false if its row is missing.
    /// - Throws: SQLite's error.
    func heartbeat(_ figures: ManagerFigures) throws(SQLiteError) -> Bool {
        statements.manager.heartbeat.bind(manager.rawValue, now)
        statements.manager.heartbeat.bind(figures.text, at: 3)
        return try statements.manager.heartbeat.run() == 1
    }

    /// Writes how far claim time is ahead of the machine's clock, unless the value in the table is close enough.
    func publish(claimTimeAhead ahead: Int64, tolerance: Int64) throws(SQLiteError) {
        statements.manager.setClaimClock.bind(ahead, tolerance)
        try statements.manager.setClaimClock.run()
    }

    /// Removes some of what is left of a manager that has no claims any more: the connections of named sessions, its use
    /// of tubes, and with the last of them its row.
    ///
    /// - Parameters:
    ///   - id: the manager.
    ///   - limit: the largest number of sessions and tubes.
    /// - Returns: whether nothing is left.
    /// - Throws: SQLite's error.
    func removeManager(_ id: ManagerID, atMost limit: Int) throws(SQLiteError) -> Bool {
        let left = limit - (try detachConnections(of: id, limit: limit))
        guard left > 0, try removeUse(ofTubesBy: id, atMost: left) < left else { return false }
        statements.manager.delete.bind(id.rawValue)
        try statements.manager.delete.run()
        return true
    }

    /// Removes a manager's use of some tubes, and those of the tubes that nothing else keeps.
    ///
    /// - Returns: their number; at most `limit`.
    /// - Throws: SQLite's error.
    private func removeUse(ofTubesBy id: ManagerID, atMost limit: Int) throws(SQLiteError) -> Int {
        var used: [Int64] = []
        statements.manager.tubes.bind(id.rawValue, Int64(limit))
        while try statements.manager.tubes.step() { used.append(statements.manager.tubes.int(0)) }
        for tubeID in used {
            statements.tube.deleteUsers.bind(tubeID, id.rawValue)
            try statements.tube.deleteUsers.run()
            let tube = try tube(withID: tubeID)
            if id == manager {
                markChanged(tube)
                tube.usingDelta = -tube.using
                tube.watchingDelta = -tube.watching
            }
            try removeIfUnused(tube)
        }
        return used.count
    }
}
