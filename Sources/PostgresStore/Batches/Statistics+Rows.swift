import TaskStore

// The numbers come in the order of the functions in functions-verbs.sql.

extension TaskStatistics {
    /// Returns nil if the row is not one of `task_statistics_2`.
    init?(_ row: BatchRow) {
        let numbers = row.numbers.map { $0 ?? 0 }
        guard numbers.count == 8, let state = TaskState(rawValue: row.stateName) else { return nil }
        self.init(
            id: TaskID(rawValue: row.id),
            tube: TubeName(row.tube) ?? .default,
            state: state,
            priority: UInt32(clamping: row.priority),
            age: numbers[0],
            delay: UInt32(clamping: numbers[1]),
            timeToRun: UInt32(clamping: row.timeToRun),
            timeLeft: numbers[2],
            reserves: Int(numbers[3]),
            timeouts: Int(numbers[4]),
            releases: Int(numbers[5]),
            buries: Int(numbers[6]),
            kicks: Int(numbers[7])
        )
    }
}

extension TubeStatistics {
    /// Adds up what the tables say and what the batch has changed so far, which is not written yet.
    init(_ tube: TubeName, _ row: BatchRow, plus change: CountChange) {
        self.init(tube, row.numbers, plus: change)
    }

    /// Takes the numbers of `tube_statistics_2`.
    init(_ tube: TubeName, _ numbers: [Int64?], plus change: CountChange = CountChange()) {
        self.init(name: tube)
        let numbers = numbers.map { $0 ?? 0 }
        guard numbers.count == 13 else { return }
        counts = TaskCounts(numbers, plus: change)
        totalTasks = Int(numbers[5] + change.totalTasks)
        deletes = Int(numbers[6] + change.deletes)
        pauses = Int(numbers[7])
        pause = UInt32(clamping: numbers[8])
        pauseTimeLeft = numbers[9]
        using = Int(numbers[10])
        watching = Int(numbers[11])
        oldestPendingAge = numbers[12]
    }
}

extension StoreStatistics {
    /// Adds up what the tables say and what the batch has changed so far, which is not written yet.
    init(_ row: BatchRow, plus change: CountChange) {
        let numbers = row.numbers.map { $0 ?? 0 }
        guard numbers.count == 7 else {
            self.init(counts: TaskCounts(), totalTasks: 0, tubes: 0)
            return
        }
        self.init(
            counts: TaskCounts(numbers, plus: change),
            totalTasks: Int(numbers[5]),
            tubes: Int(numbers[6])
        )
    }
}

extension TaskCounts {
    fileprivate init(_ numbers: [Int64], plus change: CountChange) {
        self.init()
        pending = Int(numbers[0] + change.pending)
        urgent = Int(numbers[1] + change.urgent)
        delayed = Int(numbers[2] + change.delayed)
        claimed = Int(numbers[3] + change.claimed)
        buried = Int(numbers[4] + change.buried)
    }
}
