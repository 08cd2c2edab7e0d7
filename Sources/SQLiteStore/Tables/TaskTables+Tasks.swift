import TaskStore

/// What the operations on one task need to know of it.
struct TaskRow {
    var tube: Int64
    var state: TaskState
    var priority: Int64
    var timeToRun: Int64
    var due: Int64
    var holder: Int64
    var isKeyed: Bool
}

extension TaskState {
    /// Reads the database's word by its first letter; they all differ.
    init?(firstByte: UInt8) {
        switch firstByte {
        case UInt8(ascii: "p"): self = .pending
        case UInt8(ascii: "d"): self = .delayed
        case UInt8(ascii: "c"): self = .claimed
        case UInt8(ascii: "b"): self = .buried
        default: return nil
        }
    }
}

extension TaskTables {
    /// Reads a task's row.
    func task(_ id: TaskID) throws(SQLiteError) -> TaskRow? {
        let statement = statements.readTask
        statement.bind(id.rawValue)
        guard try statement.step() else { return nil }
        defer { statement.reset() }
        guard let state = TaskState(firstByte: statement.firstByte(1)) else {
            throw SQLiteError(corrupt: "task \(id) is in no known state")
        }
        return TaskRow(
            tube: statement.int(0),
            state: state,
            priority: statement.int(2),
            timeToRun: statement.int(3),
            due: statement.int(4),
            holder: statement.int(5),
            isKeyed: statement.int(6) != 0
        )
    }

    /// Reads a task's row where a session holds the task.
    private func task(_ id: TaskID, heldBy session: SessionID) throws(SQLiteError) -> TaskRow? {
        guard let task = try task(id), task.state == .claimed, task.holder == session.rawValue else { return nil }
        return task
    }

    /// Keeps what is in memory right when a task leaves the state it was in.
    func left(_ task: TaskRow, _ id: TaskID, of tube: Tube) {
        switch task.state {
        case .pending: tube.front.remove(id.rawValue)
        case .delayed: nextEvents.remove(due: task.due)
        case .claimed, .buried: break
        }
    }

    /// Adds a task.
    ///
    /// - Parameter task: the task; its key is written by the caller.
    /// - Returns: its number.
    /// - Throws: ``SQLiteError`` when the database cannot take it.
    func insert(_ task: NewTask) throws(SQLiteError) -> TaskID {
        let tube = try makeTube(task.tube)
        let statement = statements.insertState
        statement.bind(tube.id, Int64(task.priority), Int64(task.delay), Int64(task.timeToRun))
        statement.bind(now, at: 5)
        let due = due(after: task.delay)
        statement.bind(due, at: 6)
        let isKeyed = task.key != nil
        statement.bind(isKeyed ? 1 : 0, at: 7)
        try statement.run()
        let id = database.lastInsertedRow
        statements.insertBody.bind(id)
        statements.insertBody.bind(Self.checksum(of: task.body, id), at: 3)
        try statements.insertBody.run(binding: task.body, at: 2)

        added(
            Head(id: id, priority: Int64(task.priority), timeToRun: Int64(task.timeToRun), isKeyed: isKeyed),
            due: due,
            to: tube
        )
        return TaskID(rawValue: id)
    }

    /// When a new task with this delay, in seconds, becomes pending; nothing where it is so at once.
    func due(after delay: UInt32) -> Int64? {
        delay == 0 ? nil : now + Int64(delay) * 1000
    }

    /// Counts a task that was just added.
    func added(_ task: Head, due: Int64?, to tube: Tube) {
        if let due {
            count(tube, from: nil, to: (.delayed, task.priority))
            nextEvents.add(due: due)
        } else {
            count(tube, from: nil, to: (.pending, task.priority))
            tube.front.add(task)
        }
        tube.deltas.totalTasks += 1
        durability = .everything
    }

    /// Deletes a task that the session holds, or that nobody holds.
    func delete(_ id: TaskID, by session: SessionID) throws(SQLiteError) -> Outcome {
        if try deleteKnown(id, by: session) { return .deleted }
        guard let task = try task(id) else { return .notFound }
        let changed: Int
        if task.state == .claimed {
            statements.deleteClaimed.bind(id.rawValue, session.rawValue)
            changed = try statements.deleteClaimed.run()
        } else {
            statements.delete.bind(id.rawValue)
            changed = try statements.delete.run()
        }
        guard changed == 1 else { return .notFound }
        statements.deleteBody.bind(id.rawValue)
        try statements.deleteBody.run()
        if task.isKeyed { try retireKey(of: id.rawValue) }

        let tube = try tube(task.tube)
        left(task, id, of: tube)
        try countDelete(from: task.state, priority: task.priority, of: tube)
        return .deleted
    }

    /// Deletes a task that was claimed through this manager not long ago, without reading its row first.
    ///
    /// - Returns: false where it is not what it was then: nothing has happened.
    private func deleteKnown(_ id: TaskID, by session: SessionID) throws(SQLiteError) -> Bool {
        guard let claim = recentClaims[id.rawValue] else { return false }
        let statement = statements.deleteKnown
        statement.bind(id.rawValue, session.rawValue, claim.tube, claim.isKeyed ? 1 : 0)
        guard try statement.run() == 1 else { return false }
        statements.deleteBody.bind(id.rawValue)
        try statements.deleteBody.run()
        if claim.isKeyed { try retireKey(of: id.rawValue) }
        // Of a claimed task the priority counts nowhere.
        try countDelete(from: .claimed, priority: 0, of: try tube(claim.tube))
        return true
    }

    /// Counts a task out that was deleted.
    func countDelete(from state: TaskState, priority: Int64, of tube: Tube) throws(SQLiteError) {
        count(tube, from: (state, priority), to: nil)
        tube.deltas.deletes += 1
        durability = .everything
        if !tube.isReferred { try removeIfUnused(tube) }
    }

    /// Ends the session's claim.
    func release(
        _ id: TaskID,
        priority: UInt32,
        delay: UInt32,
        by session: SessionID
    ) throws(SQLiteError) -> Outcome {
        guard let task = try task(id, heldBy: session) else { return .notFound }
        let due = delay == 0 ? nil : now + Int64(delay) * 1000
        let statement = statements.release
        statement.bind(id.rawValue, session.rawValue, Int64(priority), Int64(delay))
        statement.bind(due, at: 5)
        guard try statement.run() == 1 else { return .notFound }
        let tube = try tube(task.tube)
        if let due {
            count(tube, from: (.claimed, task.priority), to: (.delayed, Int64(priority)))
            nextEvents.add(due: due)
        } else {
            returned(id, task, priority: Int64(priority), to: tube)
        }
        durability = .everything
        return .released
    }

    /// Ends the session's claim and sets the task aside.
    func bury(_ id: TaskID, priority: UInt32, by session: SessionID) throws(SQLiteError) -> Outcome {
        guard let task = try task(id, heldBy: session) else { return .notFound }
        let statement = statements.bury
        statement.bind(id.rawValue, session.rawValue, Int64(priority), task.tube)
        guard try statement.run() == 1 else { return .notFound }
        count(try tube(task.tube), from: (.claimed, task.priority), to: (.buried, Int64(priority)))
        durability = .everything
        return .buried
    }

    /// Starts the session's claim anew.
    func touch(_ id: TaskID, by session: SessionID) throws(SQLiteError) -> Outcome {
        statements.touch.bind(id.rawValue, session.rawValue, claimNow)
        guard try statements.touch.run() == 1 else { return .notFound }
        durability = .everything
        return .touched
    }

    /// Ends a claim whose time to run is over.
    func expire(_ id: TaskID, of session: SessionID) throws(SQLiteError) -> Outcome {
        guard let task = try task(id, heldBy: session) else { return .notFound }
        statements.expire.bind(id.rawValue, session.rawValue)
        guard try statements.expire.run() == 1 else { return .notFound }
        returned(id, task, priority: task.priority, to: try tube(task.tube))
        durability = .everything
        return .released
    }

    /// Ends the claims of some sessions.
    ///
    /// A power cut may undo it: it ends the sessions too, and then their claims are returned once more.
    ///
    /// - Parameters:
    ///   - holders: the sessions.
    ///   - limit: how many claims at most.
    /// - Returns: how many claims it were.
    /// - Throws: what SQLite answered.
    func giveBack(_ holders: ClosedRange<Int64>, limit: Int = Batch.mostRows) throws(SQLiteError) -> Int {
        let statement = statements.giveBack
        statement.bind(holders.lowerBound, holders.upperBound, Int64(limit))
        return try makePending(statement)
    }

    /// Whether connections of a manager hold tasks whose time to run has been over since some moment of claim time.
    func hasOverdueClaims(of manager: ManagerID, before moment: Int64) throws(SQLiteError) -> Bool {
        let statement = statements.overdueClaim
        let holders = SessionID.all(of: manager)
        statement.bind(holders.lowerBound, holders.upperBound, moment)
        defer { statement.reset() }
        return try statement.step()
    }

    /// Ends such claims.
    ///
    /// - Returns: how many it were.
    func endOverdueClaims(of manager: ManagerID, before moment: Int64, limit: Int) throws(SQLiteError) -> Int {
        let statement = statements.endOverdueClaims
        let holders = SessionID.all(of: manager)
        statement.bind(holders.lowerBound, holders.upperBound, moment, Int64(limit))
        return try makePending(statement)
    }

    /// Runs a statement that makes claimed tasks pending and tells the tube and the priority of each.
    private func makePending(_ statement: Statement) throws(SQLiteError) -> Int {
        var given = 0
        while try statement.step() {
            let tube = try tube(statement.int(0))
            let priority = statement.int(1)
            count(tube, from: (.claimed, priority), to: (.pending, priority))
            tube.front.forget()
            given += 1
        }
        return given
    }

    private func returned(_ id: TaskID, _ task: TaskRow, priority: Int64, to tube: Tube) {
        count(tube, from: (.claimed, task.priority), to: (.pending, priority))
        tube.front.add(
            Head(id: id.rawValue, priority: priority, timeToRun: task.timeToRun, isKeyed: task.isKeyed)
        )
    }

    /// Makes buried tasks of a tube pending, or delayed ones if none is buried; or only those in one of the states.
    func kick(_ name: TubeName, bound: Int, from state: TaskState? = nil) throws(SQLiteError) -> Int {
        guard bound > 0, let tube = try tube(name) else { return 0 }
        if state != .delayed {
            let buried = try kick(tube, .buried, with: statements.kickBuried, bound: bound)
            if buried > 0 || state == .buried { return buried }
        }
        let delayed = try kick(tube, .delayed, with: statements.kickDelayed, bound: bound)
        if delayed > 0 { nextEvents.nextDue = nil }
        return delayed
    }

    private func kick(
        _ tube: Tube,
        _ state: TaskState,
        with statement: Statement,
        bound: Int
    ) throws(SQLiteError) -> Int {
        statement.bind(tube.id, Int64(bound))
        var kicked = 0
        while try statement.step() {
            let priority = statement.int(0)
            count(tube, from: (state, priority), to: (.pending, priority))
            kicked += 1
        }
        if kicked > 0 {
            tube.front.forget()
            durability = .everything
        }
        return kicked
    }

    /// Makes one buried or delayed task pending.
    func kick(_ id: TaskID) throws(SQLiteError) -> Outcome {
        guard let task = try task(id), task.state == .buried || task.state == .delayed else { return .notFound }
        statements.kickOne.bind(id.rawValue)
        guard try statements.kickOne.run() == 1 else { return .notFound }
        let tube = try tube(task.tube)
        left(task, id, of: tube)
        count(tube, from: (task.state, task.priority), to: (.pending, task.priority))
        tube.front.add(
            Head(id: id.rawValue, priority: task.priority, timeToRun: task.timeToRun, isKeyed: task.isKeyed)
        )
        durability = .everything
        return .kicked(1)
    }
}
