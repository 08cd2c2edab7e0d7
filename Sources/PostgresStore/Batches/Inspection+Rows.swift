import TaskStore

// The columns and numbers come in the order of the functions in functions-inspect.sql.

extension TaskDescription {
    /// Returns nil if the row has only the key behind which the next page begins.
    init?(_ rows: ResultRows, _ row: Int, at now: Int64) {
        let numbers = rows.int64s(row, 3)
        guard !rows.isNull(row, 1), numbers.count == 13, let state = TaskState(rawValue: rows.text(row, 2)) else {
            return nil
        }
        func number(_ index: Int) -> Int64 { numbers[index] ?? 0 }
        self.init(
            statistics: TaskStatistics(
                id: TaskID(rawValue: rows.int64(row, 0)),
                tube: TubeName(rows.text(row, 1)) ?? .default,
                state: state,
                priority: UInt32(clamping: number(0)),
                age: now - number(1),
                delay: UInt32(clamping: number(2)),
                timeToRun: UInt32(clamping: number(3)),
                timeLeft: numbers[4].map { $0 - now } ?? 0,
                reserves: Int(number(5)),
                timeouts: Int(number(6)),
                releases: Int(number(7)),
                buries: Int(number(8)),
                kicks: Int(number(9))
            ),
            created: Timestamp(rawValue: number(1)),
            holder: numbers[10]
                .map {
                    HolderDescription(
                        $0,
                        connection: numbers[11],
                        manager: rows.isNull(row, 4) ? nil : rows.text(row, 4)
                    )
                },
            bodyBytes: Int(number(12)),
            body: .start(rows.bytes(row, 5))
        )
    }
}

extension HolderDescription {
    fileprivate init(_ session: Int64, connection: Int64?, manager: String?) {
        self.init(
            session: session,
            isNamed: session <= NamedSessionID.largest,
            manager: manager,
            connection: connection.map { SessionID(rawValue: $0).connection }
        )
    }
}

extension SessionDescription {
    init(_ rows: ResultRows, _ row: Int) {
        self.init(
            holder: HolderDescription(
                rows.int64(row, 0),
                connection: rows.isNull(row, 1) ? nil : rows.int64(row, 1),
                manager: rows.isNull(row, 2) ? nil : rows.text(row, 2)
            ),
            attached: Timestamp(rawValue: rows.int64(row, 3)),
            claims: Int(rows.int64(row, 4))
        )
    }
}

extension StoreDescription {
    init(_ rows: ResultRows) {
        let numbers = rows.int64s(0, 1)
        func number(_ index: Int) -> Int64 { index < numbers.count ? numbers[index] ?? 0 : 0 }
        var counts = TaskCounts()
        counts.pending = Int(number(1))
        counts.urgent = Int(number(2))
        counts.delayed = Int(number(3))
        counts.claimed = Int(number(4))
        counts.buried = Int(number(5))
        self.init(
            kind: .postgresql,
            schemaVersion: number(0),
            library: "PostgreSQL \(rows.text(0, 0))",
            statistics: StoreStatistics(counts: counts, totalTasks: Int(number(6)), tubes: Int(number(7))),
            databaseBytes: number(8)
        )
        if numbers.count == 11 {
            oldestReaderAge = numbers[9]
            lastBackup = numbers[10].map(Timestamp.init(rawValue:))
        }
    }
}
