import TaskStore

extension Action {
    /// Whether it may be part of a ``TakingRun``.
    fileprivate var takes: Bool {
        switch self {
        case .delete, .claim: true
        default: false
        }
    }
}

/// Like operations that follow each other are run together: a client that sends many commands at once gets them done with
/// few statements.
extension Ledger {
    /// How many operations a run has at least, for one statement to cost less than one each.
    static let shortestRun = 3

    /// Runs operations, with the same outcomes as one after the other.
    ///
    /// - Parameters:
    ///   - operations: the operations.
    ///   - takesPuts: whether puts are tried; otherwise they are answered with ``Outcome/storageFull``.
    /// - Returns: an outcome each.
    /// - Throws: what SQLite answered.
    func perform(_ operations: [Operation], takesPuts: Bool) throws(SQLiteError) -> [Outcome] {
        var outcomes: [Outcome] = []
        outcomes.reserveCapacity(operations.count)
        var knownAsSingle = 0
        while outcomes.count < operations.count {
            let start = outcomes.count
            let operation = operations[start]
            switch operation.action {
            case .put, .putUnique:
                if !takesPuts, !isHeldBack(operation.session) {
                    outcomes.append(.storageFull)
                    continue
                }
                if let insert = fitting(operations, from: start) {
                    try put(operations[start..<(start + insert.rows)], with: insert, into: &outcomes)
                    continue
                }
            case .delete, .claim:
                // Most runs that are too short are known as such at a look, and not to be looked at again at their next
                // operation.
                guard start >= knownAsSingle, start + Self.shortestRun <= operations.count,
                    operations[start + 1].action.takes, operations[start + 2].action.takes
                else { break }
                let run = TakingRun(operations, from: start)
                if run.count >= Self.shortestRun, try take(run, into: &outcomes) { continue }
                knownAsSingle = start + run.count
            default:
                break
            }
            outcomes.append(try perform(operation))
        }
        return outcomes
    }

    func isHeldBack(_ session: SessionID) -> Bool {
        !waiting.isEmpty && waiting.contains(session)
    }

    // Puts.

    /// The largest statement for which there are enough puts in a row.
    private func fitting(_ operations: [Operation], from start: Int) -> MultipleInsert? {
        guard let smallest = inserts.last, let largest = inserts.first, start + smallest.rows <= operations.count else {
            return nil
        }
        var end = start
        while end < operations.count, end - start < largest.rows, case .put = operations[end].action,
            !isHeldBack(operations[end].session)
        { end += 1 }
        return inserts.first { $0.rows <= end - start }
    }

    /// Adds as many tasks as one statement does.
    private func put(
        _ operations: ArraySlice<Operation>,
        with insert: MultipleInsert,
        into outcomes: inout [Outcome]
    ) throws(SQLiteError) {
        var tubes: [Tube] = []
        var bodies: [[UInt8]] = []
        tubes.reserveCapacity(insert.rows)
        bodies.reserveCapacity(insert.rows)
        insert.states.bind(now)
        for operation in operations {
            guard case .put(let task) = operation.action else { continue }
            let tube: Tube
            if let last = tubes.last, last.name == task.tube { tube = last } else { tube = try makeTube(task.tube) }
            let parameter = MultipleInsert.firstParameter(ofState: tubes.count)
            insert.states.bind(tube.id, at: parameter)
            insert.states.bind(Int64(task.priority), at: parameter + 1)
            insert.states.bind(Int64(task.delay), at: parameter + 2)
            insert.states.bind(Int64(max(1, task.timeToRun)), at: parameter + 3)
            insert.states.bind(due(task), at: parameter + 4)
            tubes.append(tube)
            bodies.append(task.body)
        }
        try insert.states.run()
        // AUTOINCREMENT gives each row the number after the largest one, and nobody else writes meanwhile.
        let first = database.lastInsertedRow - Int64(tubes.count) + 1
        for (row, body) in bodies.enumerated() {
            let id = first + Int64(row)
            insert.bodies.bind(id, at: Int32(row * 3 + 1))
            insert.bodies.bind(Self.checksum(of: body, id), at: Int32(row * 3 + 3))
        }
        try insert.bodies.run(binding: bodies, first: 2, every: 3)

        for (row, operation) in operations.enumerated() {
            guard case .put(let task) = operation.action else { continue }
            let id = first + Int64(row)
            added(id, task, isKeyed: false, to: tubes[row])
            outcomes.append(.inserted(TaskID(rawValue: id)))
        }
    }
}
