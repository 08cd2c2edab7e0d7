import TaskStore

extension TaskTables {
    /// Finds a tube; nothing where there is none of that name.
    func tube(_ name: TubeName) throws(SQLiteError) -> Tube? {
        if let tube = tubes[name] { return tube }
        let statement = statements.tubeByName
        statement.bind(name.text, at: 1)
        guard try statement.step() else { return nil }
        let tube = Tube(id: statement.int(0), name: name)
        statement.reset()
        tubes.insert(tube)
        return tube
    }

    /// Finds a tube, or makes it.
    func makeTube(_ name: TubeName) throws(SQLiteError) -> Tube {
        if let tube = try tube(name) { return tube }
        let statement = statements.insertTube
        statement.bind(name.text, at: 1)
        try statement.run()
        let tube = Tube(id: database.lastInsertedRow, name: name)
        tube.isNew = true
        tubes.insert(tube)
        touch(tube)
        return tube
    }

    /// Finds the tube of a task.
    func tube(_ id: Int64) throws(SQLiteError) -> Tube {
        if let tube = tubes[id] { return tube }
        let statement = statements.tubeByID
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
    func touch(_ tube: Tube) {
        guard !tube.isTouched else { return }
        tube.isTouched = true
        touched.append(tube)
    }

    /// Counts a task from one state to another, or in, or out.
    ///
    /// - Parameters:
    ///   - tube: the task's tube.
    ///   - old: the state it leaves, with the priority it had.
    ///   - new: the state it enters, with the priority it has.
    func count(_ tube: Tube, from old: (TaskState, Int64)?, to new: (TaskState, Int64)?) {
        touch(tube)
        if let (state, priority) = old {
            tube.deltas.add(-1, state, priority: priority)
            if state == .pending { tube.pendingGrowth -= 1 }
        }
        if let (state, priority) = new {
            tube.deltas.add(1, state, priority: priority)
            if state == .pending {
                tube.pendingGrowth += 1
                drained = nil
            }
        }
    }

    /// Writes a tube's changes into its row.
    func flush(_ tube: Tube) throws(SQLiteError) {
        guard !tube.isRemoved else { return }
        let deltas = tube.deltas
        if deltas != CountDeltas() {
            let statement = statements.addCounts
            statement.bind(tube.id, Int64(deltas.pending), Int64(deltas.urgent), Int64(deltas.delayed))
            statement.bind(Int64(deltas.claimed), at: 5)
            statement.bind(Int64(deltas.buried), at: 6)
            statement.bind(Int64(deltas.totalTasks), at: 7)
            statement.bind(Int64(deltas.deletes), at: 8)
            try statement.run()
            tube.deltas = CountDeltas()
            tube.rowTasks = nil
        }
        if tube.usersChanged {
            try writeUsers(of: tube)
            tube.usersChanged = false
        }
    }

    private func writeUsers(of tube: Tube) throws(SQLiteError) {
        if tube.isReferred {
            let statement = statements.setUsers
            statement.bind(
                tube.id,
                manager.rawValue,
                Int64(max(0, tube.using + tube.usingDelta)),
                Int64(max(0, tube.watching + tube.watchingDelta))
            )
            try statement.run()
        } else {
            statements.deleteUsers.bind(tube.id, manager.rawValue)
            try statements.deleteUsers.run()
        }
    }

    /// Counts a connection of this manager in or out.
    func refer(_ name: TubeName, using: Int, watching: Int) throws(SQLiteError) -> Outcome {
        let tube = try makeTube(name)
        touch(tube)
        tube.usingDelta += using
        tube.watchingDelta += watching
        tube.usersChanged = true
        if !tube.isReferred { try removeIfUnused(tube) }
        return .referred
    }

    /// Removes a tube that has neither tasks nor users.
    ///
    /// Done at once and not at the end of the batch, so that a list of tubes later in the batch is right, and a tube made
    /// anew starts with fresh counters.
    func removeIfUnused(_ tube: Tube) throws(SQLiteError) {
        guard tube.id != Tube.defaultID, !tube.isReferred, !tube.isRemoved else { return }
        if tube.rowTasks == nil {
            let statement = statements.countTasks
            statement.bind(tube.id)
            tube.rowTasks = try statement.step() ? Int(statement.int(0)) : 0
            statement.reset()
        }
        guard let tasks = tube.rowTasks, tasks + tube.deltas.tasks == 0 else { return }
        let users = statements.otherUsers
        users.bind(tube.id, manager.rawValue)
        let hasOthers = try users.step()
        users.reset()
        if !hasOthers { try remove(tube) }
    }

    private func remove(_ tube: Tube) throws(SQLiteError) {
        statements.deleteUsers.bind(tube.id, manager.rawValue)
        try statements.deleteUsers.run()

        let delete = statements.deleteTube
        delete.bind(tube.id)
        let position = try delete.step() ? delete.optionalInt(0) : nil
        try delete.run()
        if let position {
            // The last takes the place of the removed one, as beanstalkd's list does (ms_delete in ms.c).
            statements.closeGapOfTubes.bind(position)
            try statements.closeGapOfTubes.run()
        }
        touch(tube)
        tube.isRemoved = true
        tubes.remove(tube)
        removed.append(tube)
        // It may have been the tube whose pause ends first.
        if case .some(.some) = nextEvents.nextPauseEnd { nextEvents.nextPauseEnd = nil }
    }

    /// Reads the names of all tubes.
    func listTubes() throws(SQLiteError) -> [TubeName] {
        var names: [TubeName] = []
        while try statements.listTubes.step() {
            if let name = TubeName(statements.listTubes.text(0)) { names.append(name) }
        }
        return names
    }
}
