import TaskStore

extension TaskTables {
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

    /// Finds a tube if so many tasks of it can be claimed now.
    ///
    /// - Parameters:
    ///   - name: the tube.
    ///   - count: at most ``Front/most``.
    /// - Returns: nothing where there are fewer.
    /// - Throws: what SQLite answered.
    func tube(_ name: TubeName, withPending count: Int) throws(SQLiteError) -> Tube? {
        guard drained != [name], let tube = try openTubes([name]).first else { return nil }
        if tube.front.known < count {
            tube.front.forget()
            _ = try front(of: tube, wanted: count)
        }
        return tube.front.known >= count ? tube : nil
    }

    /// The tubes that exist and are not paused.
    private func openTubes(_ names: [TubeName]) throws(SQLiteError) -> [Tube] {
        var open: [Tube] = []
        open.reserveCapacity(names.count)
        for name in names {
            if let tube = try tube(name), try pauseEnd(of: tube) == nil { open.append(tube) }
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
    ///
    /// - Parameters:
    ///   - tube: the tube.
    ///   - wanted: how many tasks will be claimed if there are so many.
    /// - Returns: the task; nothing where the tube has none.
    /// - Throws: what SQLite answered.
    private func front(of tube: Tube, wanted: Int = 1) throws(SQLiteError) -> Head? {
        if case .some(let known) = tube.front.first { return known }
        touch(tube)
        let limit = max(tube.front.nextLook, min(wanted, Front.most))
        let statement = statements.front
        statement.bind(tube.id, Int64(limit))
        var heads: [Head] = []
        heads.reserveCapacity(limit)
        while try statement.step() {
            heads.append(
                Head(
                    id: statement.int(0),
                    priority: statement.int(1),
                    timeToRun: statement.int(2),
                    isKeyed: statement.int(3) != 0
                )
            )
        }
        tube.front.learn(heads, limit: limit)
        return heads.first
    }

    /// Claims the first pending tasks of one tube.
    private func claim(_ tube: Tube, count: Int, for session: SessionID) throws(SQLiteError) -> [ClaimedTask] {
        guard count == 1 else { return try claim(tube, for: Array(repeating: session, count: count)) }
        guard let head = try front(of: tube) else { return [] }
        return [try claim(head, of: tube, for: session)]
    }

    /// Claims the first pending tasks of one tube, one for each session, as many as there are.
    func claim(_ tube: Tube, for sessions: [SessionID]) throws(SQLiteError) -> [ClaimedTask] {
        var claimed: [ClaimedTask] = []
        claimed.reserveCapacity(min(sessions.count, Front.most))
        while claimed.count < sessions.count, let head = try front(of: tube, wanted: sessions.count - claimed.count) {
            let run = tube.front.run(atMost: min(sessions.count - claimed.count, HolderFunction.capacity))
            let next = sessions[claimed.count...].prefix(run.count)
            if run.count < Self.shortestRun {
                claimed.append(try claim(head, of: tube, for: sessions[claimed.count]))
            } else {
                try claim(run, of: tube, for: next, into: &claimed)
            }
        }
        return claimed
    }

    /// Claims pending tasks that are known and whose numbers follow each other.
    ///
    /// One statement for the range takes 3.3 µs a task where one for each takes 4.4 (ranges of 16).
    private func claim(
        _ run: ArraySlice<Head>,
        of tube: Tube,
        for sessions: ArraySlice<SessionID>,
        into claimed: inout [ClaimedTask]
    ) throws(SQLiteError) {
        guard let first = run.first, let last = run.last else { return }
        holders.set(first.id, count: sessions.count) { sessions[sessions.startIndex + $0] }
        let update = statements.claimRange
        update.bind(claimNow, first.id, last.id)
        guard try update.run() == run.count else {
            throw SQLiteError(corrupt: "of tasks \(first.id) to \(last.id) not all are as their index says")
        }
        tube.front.removeFirst(run.count)
        let bodies = statements.readBodyRange
        bodies.bind(first.id, last.id)
        var hasBody = try bodies.step()
        for head in run {
            guard hasBody, bodies.int(0) == head.id, let body = Self.body(of: head.id, in: bodies, at: 1) else {
                throw damaged(head.id)
            }
            claimed.append(take(head, of: tube, from: .pending, body: body))
            hasBody = try bodies.step()
        }
        bodies.reset()
    }

    /// Claims one pending task that is known.
    ///
    /// Two statements (this and the look at the index) take half the time of one that does both: for a subquery and for
    /// RETURNING SQLite makes a temporary table each time.
    private func claim(_ head: Head, of tube: Tube, for session: SessionID) throws(SQLiteError) -> ClaimedTask {
        let statement = statements.claimOne
        statement.bind(session.rawValue, claimNow, head.id)
        guard try statement.run() == 1 else {
            throw SQLiteError(corrupt: "task \(head.id) is in the index of pending tasks but not pending")
        }
        tube.front.removeFirst()
        return take(head, of: tube, from: .pending, body: try body(head.id))
    }

    /// Claims one task by its number.
    func claim(_ id: TaskID, for session: SessionID) throws(SQLiteError) -> Outcome {
        guard let task = try task(id), task.state != .claimed else { return .notFound }
        guard case .found(_, let body) = try peek(id) else { return .damaged }
        let statement = statements.claimByID
        statement.bind(session.rawValue, claimNow, id.rawValue)
        guard try statement.run() == 1 else { return .notFound }
        let tube = try tube(task.tube)
        left(task, id, of: tube)
        let head = Head(
            id: id.rawValue,
            priority: task.priority,
            timeToRun: task.timeToRun,
            isKeyed: task.isKeyed
        )
        return .claimed([take(head, of: tube, from: task.state, body: body)])
    }

    /// Counts a task that was just claimed.
    private func take(_ head: Head, of tube: Tube, from state: TaskState, body: [UInt8]) -> ClaimedTask {
        count(tube, from: (state, head.priority), to: (.claimed, head.priority))
        recentClaims.add(head.id, tube: tube.id, isKeyed: head.isKeyed)
        // The claim of a named session outlives its connection, and so a power cut.
        durability = max(durability, named.isEmpty ? .earlierCommits : .everything)
        return ClaimedTask(
            id: TaskID(rawValue: head.id),
            tube: tube.name,
            timeToRun: UInt32(clamping: head.timeToRun),
            body: body
        )
    }
}
