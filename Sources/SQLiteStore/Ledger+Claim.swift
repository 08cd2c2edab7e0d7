import TaskStore

extension Ledger {
    /// Claims up to `count` tasks out of several tubes.
    func claim(
        _ names: [TubeName],
        count: Int,
        for session: SessionID
    ) throws(SQLiteError) -> [ClaimedTask] {
        var claimed: [ClaimedTask] = []
        if count > 0, names != drained {
            let open = try openTubes(names)
            if open.count == 1 {
                claimed = try claim(open[0], count: count, for: session)
            } else {
                while claimed.count < count, let (tube, head) = try first(of: open) {
                    claimed.append(try claim(head, of: tube, for: session))
                }
            }
            if claimed.count < count { drained = names }
        }
        return claimed
    }

    /// The tubes that exist and are not paused.
    private func openTubes(_ names: [TubeName]) throws(SQLiteError) -> [Tube] {
        let paused = try pausedTubes()
        var open: [Tube] = []
        open.reserveCapacity(names.count)
        for name in names {
            if let tube = try tube(name), paused[tube.id] == nil { open.append(tube) }
        }
        return open
    }

    /// The most urgent pending task of some tubes.
    private func first(of tubes: [Tube]) throws(SQLiteError) -> (Tube, Head)? {
        var best: (tube: Tube, head: Head)?
        for tube in tubes {
            guard let head = try front(of: tube) else { continue }
            if let best, best.head.goes(before: head) { continue }
            best = (tube, head)
        }
        return best
    }

    /// The most urgent pending task of a tube.
    private func front(of tube: Tube) throws(SQLiteError) -> Head? {
        if case .some(let known) = tube.front.first { return known }
        touch(tube)
        let limit = tube.front.nextLook
        let statement = statements.front
        statement.bind(tube.id, Int64(limit))
        var heads: [Head] = []
        heads.reserveCapacity(limit)
        while try statement.step() {
            heads.append(Head(id: statement.int(0), priority: statement.int(1), timeToRun: statement.int(2)))
        }
        tube.front.learn(heads, limit: limit)
        return heads.first
    }

    /// Claims the first pending tasks of one tube.
    private func claim(_ tube: Tube, count: Int, for session: SessionID) throws(SQLiteError) -> [ClaimedTask] {
        if count == 1 {
            guard let head = try front(of: tube) else { return [] }
            return [try claim(head, of: tube, for: session)]
        }
        if case .some(.none) = tube.front.first { return [] }
        let statement = statements.claimSome
        statement.bind(session.rawValue, now, tube.id, Int64(count))
        var heads: [Head] = []
        while try statement.step() {
            heads.append(Head(id: statement.int(0), priority: statement.int(1), timeToRun: statement.int(2)))
        }
        touch(tube)
        if heads.count < count {
            tube.front.becomeEmpty()
        } else {
            tube.front.forget()
        }
        // RETURNING gives rows in any order (sqlite.org/lang_returning.html, section 3).
        heads.sort { $0.goes(before: $1) }
        var claimed: [ClaimedTask] = []
        claimed.reserveCapacity(heads.count)
        for head in heads { claimed.append(try take(head, of: tube, from: .pending)) }
        return claimed
    }

    /// Claims one pending task that is known.
    ///
    /// Two statements (this and the look at the index) take half the time of one that does both: for a subquery and for
    /// RETURNING SQLite makes a temporary table each time.
    private func claim(_ head: Head, of tube: Tube, for session: SessionID) throws(SQLiteError) -> ClaimedTask {
        let statement = statements.claimOne
        statement.bind(session.rawValue, now, head.id)
        guard try statement.run() == 1 else {
            throw SQLiteError(corrupt: "task \(head.id) is in the index of pending tasks but not pending")
        }
        tube.front.removeFirst()
        return try take(head, of: tube, from: .pending)
    }

    /// Claims one task by its number.
    func claim(_ id: TaskID, for session: SessionID) throws(SQLiteError) -> Outcome {
        guard let task = try task(id), task.state != .claimed else { return .notFound }
        let statement = statements.claimByID
        statement.bind(session.rawValue, now, id.rawValue)
        guard try statement.run() == 1 else { return .notFound }
        let tube = try tube(task.tube)
        left(task, id, of: tube)
        let head = Head(id: id.rawValue, priority: task.priority, timeToRun: task.timeToRun)
        return .claimed([try take(head, of: tube, from: task.state)])
    }

    /// Counts a task that was just claimed, and reads its body.
    private func take(_ head: Head, of tube: Tube, from state: TaskState) throws(SQLiteError) -> ClaimedTask {
        count(tube, from: (state, head.priority), to: (.claimed, head.priority))
        needsDurability = true
        return ClaimedTask(
            id: TaskID(rawValue: head.id),
            tube: tube.name,
            timeToRun: UInt32(clamping: head.timeToRun),
            body: try body(head.id)
        )
    }
}
