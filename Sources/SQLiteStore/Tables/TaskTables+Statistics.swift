import TaskStore

extension TaskTables {
    struct StatisticsStatements {
        let task: Statement
        let tube: Statement
        let oldestPending: Statement
        let store: Statement
        let listTubes: Statement

        init(_ registry: StatementRegistry) throws(SQLiteError) {
            task = try registry.prepare(
                "statistics of task",
                """
                SELECT tube_id, state, priority, created_ms, delay_s, ttr_s, due_ms, reserves, timeouts, releases, buries,
                    kicks
                FROM task_state WHERE id = ?1
                """
            )
            tube = try registry.prepare(
                "statistics of tube",
                """
                SELECT pending, urgent, delayed, claimed, buried, total_tasks, deletes, pauses, pause_s, paused_until_ms,
                    (SELECT coalesce(sum(users), 0) FROM tube_user WHERE tube_id = tube.id),
                    (SELECT coalesce(sum(watchers), 0) FROM tube_user WHERE tube_id = tube.id)
                FROM tube WHERE id = ?1
                """
            )
            oldestPending = try registry.prepare(
                "oldest pending task",
                """
                SELECT priority, created_ms FROM task_state
                WHERE state = 'pending' AND tube_id = ?1 AND priority > ?2 ORDER BY priority, id LIMIT 1
                """
            )
            store = try registry.prepare(
                "statistics of store",
                """
                SELECT sum(pending), sum(urgent), sum(delayed), sum(claimed), sum(buried), count(*),
                    (SELECT seq FROM sqlite_sequence WHERE name = 'task_state')
                FROM tube
                """
            )
            listTubes = try registry.prepare("list tubes", "SELECT name FROM tube ORDER BY position")
        }
    }

    /// Reads the statistics of a task.
    func taskStatistics(of id: TaskID) throws(SQLiteError) -> Outcome {
        let statement = statements.statistics.task
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
                tube: try tube(withID: statement.int(0)).name,
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

    /// Reads the statistics of a tube.
    func tubeStatistics(of name: TubeName) throws(SQLiteError) -> Outcome {
        guard let tube = try findTube(name) else { return .notFound }
        try writeChanges(of: tube)
        let statement = statements.statistics.tube
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

    /// Returns when the oldest pending task of a tube was put; nil if there is none.
    ///
    /// The index has pending tasks by priority, so this reads the first task of each priority. Few tubes have many
    /// priorities. In a tube that does, only the ``mostPriorities`` most urgent ones are read.
    private func oldestPending(of tube: Tube) throws(SQLiteError) -> Int64? {
        var oldest: Int64?
        var priority: Int64 = -1
        let statement = statements.statistics.oldestPending
        for _ in 0..<Self.mostPriorities {
            statement.bind(tube.id, priority)
            guard try statement.step() else { break }
            priority = statement.int(0)
            oldest = min(oldest ?? .max, statement.int(1))
            statement.reset()
        }
        return oldest
    }

    /// Limits the time of one `stats-tube` to about 2 ms.
    private static let mostPriorities = 1000

    /// Reads the statistics of the store.
    ///
    /// It looks at all tubes, so the next one in the batch is the same unless something has changed.
    func storeStatistics() throws(SQLiteError) -> StoreStatistics {
        for tube in changedTubes { try writeChanges(of: tube) }
        if let knownStatistics { return knownStatistics }
        let statement = statements.statistics.store
        guard try statement.step() else { return StoreStatistics(counts: TaskCounts(), totalTasks: 0, tubes: 0) }
        defer { statement.reset() }
        let statistics = StoreStatistics(
            counts: TaskCounts(statement),
            totalTasks: Int(statement.int(6)),
            tubes: Int(statement.int(5))
        )
        knownStatistics = statistics
        return statistics
    }

    /// Reads the names of all tubes, once per batch as long as there are the same tubes.
    func listTubes() throws(SQLiteError) -> [TubeName] {
        if let knownList { return knownList }
        let statement = statements.statistics.listTubes
        var names: [TubeName] = []
        while try statement.step() {
            if let name = TubeName(statement.text(0)) { names.append(name) }
        }
        knownList = names
        return names
    }
}

extension TaskCounts {
    /// Reads the counts from the first five columns: pending, urgent, delayed, claimed, buried.
    fileprivate init(_ statement: Statement) {
        self.init()
        pending = Int(statement.int(0))
        urgent = Int(statement.int(1))
        delayed = Int(statement.int(2))
        claimed = Int(statement.int(3))
        buried = Int(statement.int(4))
    }
}
