import TaskStore

extension Action {
    /// Whether it may be part of a ``TakingRun``.
    fileprivate var takes: Bool {
        switch self {
        case .delete, .claim: true
        default: false
        }
    }

    /// Whether it may be put together with others.
    fileprivate var isPut: Bool {
        if case .put = self { true } else { false }
    }
}

/// Like operations that follow each other are run together: a client that sends many commands at once gets them done with
/// few statements.
extension TaskTables {
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
            case .put:
                if !takesPuts, !isHeldBack(operation.session) {
                    outcomes.append(.storageFull)
                    continue
                }
                let tasks = puts(among: operations, from: start)
                if !tasks.isEmpty {
                    try put(tasks, into: &outcomes)
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

    /// The tasks of puts that follow each other, or none where it is not enough of them to be put together.
    private func puts(among operations: [Operation], from start: Int) -> [NewTask] {
        guard start + 1 < operations.count, operations[start + 1].action.isPut else { return [] }
        // Grown, for the number that will come is known only by looking at all, and a look at an enum copies it.
        var tasks: [NewTask] = []
        for index in start..<operations.count {
            guard case .put(let task) = operations[index].action, task.key == nil,
                !isHeldBack(operations[index].session)
            else { break }
            tasks.append(task)
        }
        return tasks.count > 1 ? tasks : []
    }

    /// Adds tasks, with as few statements as there are for it.
    private func put(_ tasks: [NewTask], into outcomes: inout [Outcome]) throws(SQLiteError) {
        var next = 0
        while next < tasks.count {
            if let insert = inserts.first(where: { $0.rows <= tasks.count - next }) {
                try put(tasks, from: next, with: insert, into: &outcomes)
                next += insert.rows
            } else {
                outcomes.append(.inserted(try insert(tasks[next])))
                next += 1
            }
        }
    }

    /// Adds as many tasks as one statement does.
    private func put(
        _ tasks: [NewTask],
        from start: Int,
        with insert: MultiRowInsert,
        into outcomes: inout [Outcome]
    ) throws(SQLiteError) {
        let end = start + insert.rows
        // Each tube with where its tasks end: most often they are all for one.
        var tubes: [(tube: Tube, end: Int)] = []
        var bodies: [[UInt8]] = []
        bodies.reserveCapacity(insert.rows)
        insert.states.bind(now)
        var next = start
        while next < end {
            let tube = try makeTube(tasks[next].tube)
            while next < end, tasks[next].tube == tube.name {
                let parameter = MultiRowInsert.firstParameter(ofState: next - start)
                insert.states.bind(tube.id, at: parameter)
                insert.states.bind(Int64(tasks[next].priority), at: parameter + 1)
                insert.states.bind(Int64(tasks[next].delay), at: parameter + 2)
                insert.states.bind(Int64(tasks[next].timeToRun), at: parameter + 3)
                insert.states.bind(due(after: tasks[next].delay), at: parameter + 4)
                bodies.append(tasks[next].body)
                next += 1
            }
            tubes.append((tube, next))
        }
        try insert.states.run()
        // AUTOINCREMENT gives each row the number after the largest one, and nobody else writes meanwhile.
        let firstID = database.lastInsertedRow - Int64(insert.rows) + 1
        for row in 0..<insert.rows {
            let id = firstID + Int64(row)
            insert.bodies.bind(id, at: Int32(row * 3 + 1))
            insert.bodies.bind(Self.checksum(of: bodies[row], id), at: Int32(row * 3 + 3))
        }
        try insert.bodies.run(binding: bodies, first: 2, every: 3)

        next = start
        for (tube, end) in tubes {
            while next < end {
                let id = firstID + Int64(next - start)
                let (priority, timeToRun) = (tasks[next].priority, tasks[next].timeToRun)
                added(
                    Head(id: id, priority: Int64(priority), timeToRun: Int64(timeToRun), isKeyed: false),
                    due: due(after: tasks[next].delay),
                    to: tube
                )
                outcomes.append(.inserted(TaskID(rawValue: id)))
                next += 1
            }
        }
    }
}
