import TaskStore

/// A manager's row.
struct ManagerRow {
    var id: ManagerID
    var name: String
    var slot: Int
}

extension TaskTables {
    /// Reads the rows of all managers but this one.
    func peers() throws(SQLiteError) -> [ManagerRow] {
        try members().filter { $0.id != manager }
    }

    /// Reads the rows of all managers.
    func members() throws(SQLiteError) -> [ManagerRow] {
        let statement = statements.managers
        var rows: [ManagerRow] = []
        while try statement.step() {
            rows.append(
                ManagerRow(
                    id: ManagerID(rawValue: statement.int(0)),
                    name: statement.text(1),
                    slot: Int(statement.int(2))
                )
            )
        }
        return rows
    }

    /// Whether a manager has its row.
    func exists(_ manager: ManagerID) throws(SQLiteError) -> Bool {
        let statement = statements.managerByID
        statement.bind(manager.rawValue)
        defer { statement.reset() }
        return try statement.step()
    }

    /// Adds this manager's row and takes its number.
    ///
    /// - Throws: ``SQLiteError``, also if all numbers were given: with a larger one, a connection's number would not fit into 63
    ///   bits.
    func register(name: String, address: String, version: String, process: Int64, slot: Int) throws(SQLiteError) {
        let last = try database.integer("SELECT max(seq) FROM sqlite_sequence WHERE name = 'manager'") ?? 0
        guard last < ManagerID.largest else { throw SQLiteError(noNumberFor: "a manager") }
        let statement = statements.insertManager
        statement.bind(name, at: 1)
        statement.bind(address, at: 2)
        statement.bind(process, at: 3)
        statement.bind(Int64(slot), at: 4)
        statement.bind(version, at: 5)
        statement.bind(now, at: 6)
        try statement.run()
        manager = ManagerID(rawValue: database.lastInsertedRow)
    }

    /// Writes that this manager lives.
    ///
    /// - Returns: whether its row was there.
    func heartbeat() throws(SQLiteError) -> Bool {
        statements.heartbeat.bind(manager.rawValue, now)
        return try statements.heartbeat.run() == 1
    }

    /// Writes how far claim time is ahead of the machine's clock, unless it is known well enough.
    func publish(claimTimeAhead ahead: Int64, tolerance: Int64) throws(SQLiteError) {
        statements.setClaimClock.bind(ahead, tolerance)
        try statements.setClaimClock.run()
    }

    /// Removes a manager's row and its use of tubes.
    ///
    /// It has no claims any more.
    func remove(_ id: ManagerID) throws(SQLiteError) {
        try leaveNamedSessions(of: id)
        var used: [Int64] = []
        statements.tubesOfManager.bind(id.rawValue)
        while try statements.tubesOfManager.step() { used.append(statements.tubesOfManager.int(0)) }
        statements.deleteTubesOfManager.bind(id.rawValue)
        try statements.deleteTubesOfManager.run()
        for tubeID in used {
            let tube = try tube(tubeID)
            if id == manager {
                touch(tube)
                tube.usingDelta = -tube.using
                tube.watchingDelta = -tube.watching
            }
            try removeIfUnused(tube)
        }
        statements.deleteManager.bind(id.rawValue)
        try statements.deleteManager.run()
    }
}
