import TaskStore

extension TaskTables {
    struct TubeStatements {
        let byName: Statement
        let byID: Statement
        let insert: Statement
        let delete: Statement
        let closeGap: Statement
        let countTasks: Statement
        let addCounts: Statement
        let otherUsers: Statement
        let setUsers: Statement
        let deleteUsers: Statement
        let hasPending: Statement

        init(_ registry: StatementRegistry) throws(SQLiteError) {
            byName = try registry.prepare("find tube by name", "SELECT id FROM tube WHERE name = ?1")
            byID = try registry.prepare("find tube by id", "SELECT name FROM tube WHERE id = ?1")
            insert = try registry.prepare(
                "add tube",
                "INSERT INTO tube (name, position) VALUES (?1, (SELECT coalesce(max(position), 0) + 1 FROM tube))"
            )
            delete = try registry.prepare("remove tube", "DELETE FROM tube WHERE id = ?1 RETURNING position")
            closeGap = try registry.prepare(
                "close gap between tubes",
                """
                UPDATE tube SET position = ?1
                WHERE position = (SELECT max(position) FROM tube) AND position > ?1
                """
            )
            countTasks = try registry.prepare(
                "count tasks of tube",
                "SELECT pending + delayed + claimed + buried FROM tube WHERE id = ?1"
            )
            addCounts = try registry.prepare(
                "add counts to tube",
                """
                UPDATE tube SET pending = pending + ?2, urgent = urgent + ?3, delayed = delayed + ?4,
                    claimed = claimed + ?5, buried = buried + ?6, total_tasks = total_tasks + ?7, deletes = deletes + ?8
                WHERE id = ?1
                """
            )
            otherUsers = try registry.prepare(
                "other users of tube",
                "SELECT 1 FROM tube_user WHERE tube_id = ?1 AND manager_id <> ?2 LIMIT 1"
            )
            setUsers = try registry.prepare(
                "set users of tube",
                "INSERT OR REPLACE INTO tube_user (tube_id, manager_id, users, watchers) VALUES (?1, ?2, ?3, ?4)"
            )
            deleteUsers = try registry.prepare(
                "remove users of tube",
                "DELETE FROM tube_user WHERE tube_id = ?1 AND manager_id = ?2"
            )
            hasPending = try registry.prepare(
                "tube has pending tasks",
                "SELECT 1 FROM tube WHERE name = ?1 AND pending > 0 AND paused_until_ms IS NULL"
            )
        }
    }

    /// Finds a tube; returns nil if there is none of that name.
    func findTube(_ name: TubeName) throws(SQLiteError) -> Tube? {
        if let tube = tubes[name] { return tube }
        let statement = statements.tube.byName
        statement.bind(name.text, at: 1)
        guard try statement.step() else { return nil }
        let tube = Tube(id: statement.int(0), name: name)
        statement.reset()
        tubes.insert(tube)
        return tube
    }

    /// Finds a tube, or makes it.
    func findOrMakeTube(_ name: TubeName) throws(SQLiteError) -> Tube {
        if let tube = try findTube(name) { return tube }
        let statement = statements.tube.insert
        statement.bind(name.text, at: 1)
        try statement.run()
        let tube = Tube(id: database.lastInsertedRow, name: name)
        tube.isNew = true
        tubes.insert(tube)
        markChanged(tube)
        forgetTubes()
        return tube
    }

    /// Drops what is known of all tubes together.
    func forgetTubes() {
        guard knownList != nil || knownStatistics != nil else { return }
        knownList = nil
        knownStatistics = nil
    }

    /// Returns the tube of a task.
    ///
    /// - Throws: an error of damage if there is none.
    func tube(withID id: Int64) throws(SQLiteError) -> Tube {
        if let tube = tubes[id] { return tube }
        let statement = statements.tube.byID
        statement.bind(id)
        guard try statement.step(), let name = TubeName(statement.text(0)) else {
            statement.reset()
            throw SQLiteError(corrupt: "a task is in tube \(id), which does not exist or has no valid name")
        }
        statement.reset()
        let tube = Tube(id: id, name: name)
        tubes.insert(tube)
        return tube
    }

    /// Puts a tube on the list of those to write back.
    func markChanged(_ tube: Tube) {
        guard !tube.isChanged else { return }
        tube.isChanged = true
        changedTubes.append(tube)
    }

    /// Writes a tube's changes to its row.
    func writeChanges(of tube: Tube) throws(SQLiteError) {
        guard !tube.isRemoved else { return }
        let deltas = tube.deltas
        if deltas != CountDeltas() {
            knownStatistics = nil
            let statement = statements.tube.addCounts
            statement.bind(tube.id, Int64(deltas.pending), Int64(deltas.urgent), Int64(deltas.delayed))
            statement.bind(Int64(deltas.claimed), at: 5)
            statement.bind(Int64(deltas.buried), at: 6)
            statement.bind(Int64(deltas.totalTasks), at: 7)
            statement.bind(Int64(deltas.deletes), at: 8)
            try statement.run()
            tube.deltas = CountDeltas()
            tube.rowTasks = .unknown
        }
        if tube.usersChanged {
            try writeUsers(of: tube)
            tube.usersChanged = false
        }
    }

    private func writeUsers(of tube: Tube) throws(SQLiteError) {
        if tube.isUsedHere {
            let statement = statements.tube.setUsers
            statement.bind(
                tube.id,
                manager.rawValue,
                Int64(max(0, tube.using + tube.usingDelta)),
                Int64(max(0, tube.watching + tube.watchingDelta))
            )
            try statement.run()
        } else {
            statements.tube.deleteUsers.bind(tube.id, manager.rawValue)
            try statements.tube.deleteUsers.run()
        }
    }

    /// Counts connections of this manager that use or watch a tube, or no longer do.
    func countUse(of name: TubeName, using: Int, watching: Int) throws(SQLiteError) -> Outcome {
        let tube = try findOrMakeTube(name)
        markChanged(tube)
        tube.usingDelta += using
        tube.watchingDelta += watching
        tube.usersChanged = true
        if !tube.isUsedHere { try removeIfUnused(tube) }
        return .useCounted
    }

    /// Removes a tube that has neither tasks nor users.
    ///
    /// Not left to the end of the batch: a list of tubes later in the batch is right then, and a tube that is made
    /// again starts with new counters.
    func removeIfUnused(_ tube: Tube) throws(SQLiteError) {
        guard tube.id != Tube.defaultID, !tube.isUsedHere, !tube.isRemoved else { return }
        guard try tasksInRow(of: tube) + tube.deltas.tasks == 0 else { return }
        let users = statements.tube.otherUsers
        users.bind(tube.id, manager.rawValue)
        let hasOthers = try users.step()
        users.reset()
        if !hasOthers { try removeTube(tube) }
    }

    private func tasksInRow(of tube: Tube) throws(SQLiteError) -> Int {
        if case .known(let tasks) = tube.rowTasks { return tasks }
        let statement = statements.tube.countTasks
        statement.bind(tube.id)
        let tasks = try statement.step() ? Int(statement.int(0)) : 0
        statement.reset()
        tube.rowTasks = .known(tasks)
        return tasks
    }

    private func removeTube(_ tube: Tube) throws(SQLiteError) {
        statements.tube.deleteUsers.bind(tube.id, manager.rawValue)
        try statements.tube.deleteUsers.run()

        let delete = statements.tube.delete
        delete.bind(tube.id)
        let position = try delete.step() ? delete.optionalInt(0) : nil
        try delete.run()
        if let position {
            // The last tube takes the place of the removed one, as in beanstalkd's list (ms_delete in ms.c).
            statements.tube.closeGap.bind(position)
            try statements.tube.closeGap.run()
        }
        markChanged(tube)
        forgetTubes()
        tube.isRemoved = true
        tubes.remove(tube)
        removedTubes.append(tube)
        // It may have been the tube whose pause ends first.
        if case .known(.some) = nextEvents[.pauses] { nextEvents[.pauses] = .unknown }
    }

    /// Returns whether a tube has tasks that can be claimed, as its row says.
    func hasTasksToClaim(_ name: TubeName) throws(SQLiteError) -> Bool {
        let statement = statements.tube.hasPending
        statement.bind(name.text, at: 1)
        defer { statement.reset() }
        return try statement.step()
    }
}
