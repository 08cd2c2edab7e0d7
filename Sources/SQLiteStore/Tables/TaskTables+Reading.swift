import TaskStore

extension TaskTables {
    /// Reads one task.
    func peek(_ id: TaskID) throws(SQLiteError) -> Outcome {
        let statement = statements.readBody
        statement.bind(id.rawValue)
        guard try statement.step() else { return .notFound }
        defer { statement.reset() }
        guard let body = Self.body(of: id.rawValue, in: statement, at: 0) else { return .damaged }
        return .found(id, body: body)
    }

    /// Reads the next task of a tube in a state.
    func peek(_ name: TubeName, _ state: TaskState) throws(SQLiteError) -> Outcome {
        let statement: Statement
        switch state {
        case .pending: statement = statements.firstPending
        case .delayed: statement = statements.firstDelayed
        case .buried: statement = statements.firstBuried
        case .claimed: return .notFound
        }
        guard let tube = try tube(name) else { return .notFound }
        statement.bind(tube.id)
        guard try statement.step() else { return .notFound }
        let id = TaskID(rawValue: statement.int(0))
        statement.reset()
        return try peek(id)
    }

    /// Reads what is known of a task.
    func statistics(of id: TaskID) throws(SQLiteError) -> Outcome {
        let statement = statements.taskStatistics
        statement.bind(id.rawValue)
        guard try statement.step() else { return .notFound }
        defer { statement.reset() }
        guard let state = TaskState(firstByte: statement.firstByte(1)) else {
            throw SQLiteError(corrupt: "task \(id) is in no known state")
        }
        let due = statement.optionalInt(6)
        return .task(
            TaskStatistics(
                id: id,
                tube: try tube(statement.int(0)).name,
                state: state,
                priority: UInt32(clamping: statement.int(2)),
                age: now - statement.int(3),
                delay: UInt32(clamping: statement.int(4)),
                timeToRun: UInt32(clamping: statement.int(5)),
                timeLeft: due.map { $0 - (state == .claimed ? claimNow : now) } ?? 0,
                reserves: Int(statement.int(7)),
                timeouts: Int(statement.int(8)),
                releases: Int(statement.int(9)),
                buries: Int(statement.int(10)),
                kicks: Int(statement.int(11))
            )
        )
    }

    /// Reads what is known of a tube.
    func statistics(of name: TubeName) throws(SQLiteError) -> Outcome {
        guard let tube = try tube(name) else { return .notFound }
        try flush(tube)
        let statement = statements.tubeStatistics
        statement.bind(tube.id)
        guard try statement.step() else { return .notFound }
        defer { statement.reset() }
        var result = TubeStatistics(name: name)
        result.counts = TaskCounts(statement)
        result.totalTasks = Int(statement.int(5))
        result.deletes = Int(statement.int(6))
        result.pauses = Int(statement.int(7))
        result.pause = UInt32(clamping: statement.int(8))
        result.pauseTimeLeft = statement.optionalInt(9).map { max(0, $0 - now) } ?? 0
        result.using = Int(statement.int(10))
        result.watching = Int(statement.int(11))
        result.oldestPendingAge = try oldestPending(of: tube).map { now - $0 } ?? 0
        return .tube(result)
    }

    /// When the oldest pending task of a tube was put.
    ///
    /// The index has pending tasks by priority, so this looks at the first of each priority. Few tubes have many; in one
    /// that does, the ``mostPriorities`` most urgent are looked at.
    private func oldestPending(of tube: Tube) throws(SQLiteError) -> Int64? {
        var oldest: Int64?
        var priority: Int64 = -1
        let statement = statements.oldestPending
        for _ in 0..<Self.mostPriorities {
            statement.bind(tube.id, priority)
            guard try statement.step() else { break }
            priority = statement.int(0)
            oldest = min(oldest ?? .max, statement.int(1))
            statement.reset()
        }
        return oldest
    }

    /// A bound on one `stats-tube`: some 2 ms.
    private static let mostPriorities = 1000

    /// Reads what is known of the store.
    func storeStatistics() throws(SQLiteError) -> StoreStatistics {
        for tube in touched { try flush(tube) }
        let statement = statements.storeStatistics
        guard try statement.step() else { return StoreStatistics(counts: TaskCounts(), totalTasks: 0, tubes: 0) }
        defer { statement.reset() }
        return StoreStatistics(
            counts: TaskCounts(statement),
            totalTasks: Int(statement.int(6)),
            tubes: Int(statement.int(5))
        )
    }
}

extension TaskCounts {
    /// Reads the counts out of the first five columns: pending, urgent, delayed, claimed, buried.
    fileprivate init(_ statement: Statement) {
        self.init()
        pending = Int(statement.int(0))
        urgent = Int(statement.int(1))
        delayed = Int(statement.int(2))
        claimed = Int(statement.int(3))
        buried = Int(statement.int(4))
    }
}
