import TaskStore

extension TaskTables {
    /// How many keys past their time a batch removes for each that it adds: more than one, so that they cannot pile up.
    private static let keysForgottenPerPut: Int64 = 2

    /// Adds a task, unless it has a key that is known in its tube.
    func put(_ task: NewTask) throws(SQLiteError) -> Outcome {
        guard let key = task.key else { return .inserted(try insert(task)) }
        let find = statements.findKey
        find.bind(task.tube.text, at: 1)
        find.bind(key.text, at: 2)
        if try find.step() {
            let id = TaskID(rawValue: find.int(0))
            let keptUntil = find.optionalInt(1)
            find.reset()
            if keptUntil.map({ $0 > now }) ?? true {
                // The first put may have been committed by a manager that has not synced yet; this answer vouches for it.
                durability = .everything
                return .exists(id)
            }
        }
        let id = try insert(task)
        let set = statements.setKey
        set.bind(task.tube.text, at: 1)
        set.bind(key.text, at: 2)
        set.bind(id.rawValue, at: 3)
        try set.run()
        keysAdded += 1
        return .inserted(id)
    }

    /// Removes some keys past their time, where the batch has added others.
    func forgetKeysForAdded() throws(SQLiteError) {
        if keysAdded > 0 { try forgetKeys(atMost: keysAdded * Self.keysForgottenPerPut) }
    }

    /// Keeps a deleted task's key for the retention time.
    func retireKey(of id: Int64) throws(SQLiteError) {
        statements.retireKey.bind(id, now + keyRetention)
        try statements.retireKey.run()
    }

    /// Removes keys whose retention time is over.
    ///
    /// - Returns: how many.
    @discardableResult
    func forgetKeys(atMost limit: Int64) throws(SQLiteError) -> Int {
        statements.forgetKeys.bind(now, limit)
        return try statements.forgetKeys.run()
    }

    /// Deletes tasks of a tube that are in one state.
    func clear(_ name: TubeName, _ state: TaskState, limit: Int) throws(SQLiteError) -> Outcome {
        let statement: Statement
        switch state {
        case .pending: statement = statements.clearPending
        case .delayed: statement = statements.clearDelayed
        case .buried: statement = statements.clearBuried
        case .claimed: return .notFound
        }
        guard let tube = try tube(name) else { return .notFound }
        statement.bind(tube.id, Int64(limit))
        var cleared: [(id: Int64, isKeyed: Bool)] = []
        while try statement.step() {
            count(tube, from: (state, statement.int(1)), to: nil)
            cleared.append((statement.int(0), statement.int(2) != 0))
        }
        for task in cleared {
            statements.deleteBody.bind(task.id)
            try statements.deleteBody.run()
            if task.isKeyed { try retireKey(of: task.id) }
        }
        guard !cleared.isEmpty else { return .cleared(0) }
        if state == .delayed { nextEvents.nextDue = nil }
        tube.front.forget()
        tube.deltas.deletes += cleared.count
        durability = .everything
        if !tube.isReferred { try removeIfUnused(tube) }
        return .cleared(cleared.count)
    }
}
