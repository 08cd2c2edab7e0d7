import TaskStore

extension Action {
    /// Whether it may be put together with others.
    fileprivate var isPut: Bool {
        if case .put = self { true } else { false }
    }
}

extension TaskTables {
    struct PutStatements {
        let state: Statement
        let body: Statement

        /// For several tasks at once: the largest number first.
        let multiRow: [MultiRowInsert]

        init(_ registry: StatementRegistry) throws(SQLiteError) {
            state = try registry.prepare(
                "add task",
                """
                INSERT INTO task_state (tube_id, state, priority, delay_s, ttr_s, created_ms, due_ms, keyed)
                VALUES (?1, iif(?6 IS NULL, 'pending', 'delayed'), ?2, ?3, ?4, ?5, ?6, ?7)
                """
            )
            body = try registry.prepare(
                "add body",
                "INSERT INTO task_body (id, body, checksum) VALUES (?1, ?2, ?3)"
            )
            multiRow = try MultiRowInsert.all(registry)
        }
    }

    /// Adds a task, unless it has a key that its tube knows.
    func put(_ task: NewTask) throws(SQLiteError) -> Outcome {
        guard let key = task.key else { return .inserted(try insertTask(task)) }
        if let id = try findTask(withKey: key, in: task.tube) { return .exists(id) }
        let id = try insertTask(task)
        try setKey(key, in: task.tube, of: id)
        return .inserted(id)
    }

    /// Adds a task.
    ///
    /// - Parameter task: the task; its key is written by the caller.
    /// - Returns: its id.
    /// - Throws: SQLite's error.
    private func insertTask(_ task: NewTask) throws(SQLiteError) -> TaskID {
        let tube = try findOrMakeTube(task.tube)
        let statement = statements.put.state
        statement.bind(tube.id, Int64(task.priority), Int64(task.delay), Int64(task.timeToRun))
        statement.bind(now, at: 5)
        let due = delayEnd(after: task.delay)
        statement.bind(due, at: 6)
        let isKeyed = task.key != nil
        statement.bind(isKeyed ? 1 : 0, at: 7)
        try statement.run()
        let id = database.lastInsertedRow
        statements.put.body.bind(id)
        statements.put.body.bind(Self.checksum(of: task.body, id), at: 3)
        try statements.put.body.run(binding: task.body, at: 2)

        added(
            PendingTask(id: id, priority: Int64(task.priority), timeToRun: Int64(task.timeToRun), isKeyed: isKeyed),
            due: due,
            to: tube
        )
        return TaskID(rawValue: id)
    }

    /// Returns when a delay that begins now ends; nil if there is no delay.
    func delayEnd(after seconds: UInt32) -> Int64? {
        seconds == 0 ? nil : now + Int64(seconds) * 1000
    }

    // Consecutive puts.

    /// Returns the tasks of consecutive puts without keys; none if there are fewer than two.
    func consecutivePuts(among operations: [Operation], from start: Int) -> [NewTask] {
        guard start + 1 < operations.count, operations[start + 1].action.isPut else { return [] }
        // No capacity is reserved: the number is known only after looking at all operations, and a look at an enum
        // copies it.
        var tasks: [NewTask] = []
        for index in start..<operations.count {
            guard case .put(let task) = operations[index].action, task.key == nil,
                !isDeferred(operations[index].session)
            else { break }
            tasks.append(task)
        }
        return tasks.count > 1 ? tasks : []
    }

    /// Adds tasks with as few statements as possible.
    func putTogether(_ tasks: [NewTask], into outcomes: inout [Outcome]) throws(SQLiteError) {
        var next = 0
        while next < tasks.count {
            if let insert = statements.put.multiRow.first(where: { $0.rows <= tasks.count - next }) {
                try insertRows(tasks, from: next, with: insert, into: &outcomes)
                next += insert.rows
            } else {
                outcomes.append(.inserted(try insertTask(tasks[next])))
                next += 1
            }
        }
    }

    /// Adds the tasks that one statement adds.
    private func insertRows(
        _ tasks: [NewTask],
        from start: Int,
        with insert: MultiRowInsert,
        into outcomes: inout [Outcome]
    ) throws(SQLiteError) {
        let end = start + insert.rows
        // Each tube with the index at which its tasks end: in most cases all tasks are for one tube.
        var tubes: [(tube: Tube, end: Int)] = []
        var bodies: [[UInt8]] = []
        bodies.reserveCapacity(insert.rows)
        insert.states.bind(now)
        var next = start
        while next < end {
            let tube = try findOrMakeTube(tasks[next].tube)
            while next < end, tasks[next].tube == tube.name {
                let parameter = MultiRowInsert.firstParameter(ofState: next - start)
                insert.states.bind(tube.id, at: parameter)
                insert.states.bind(Int64(tasks[next].priority), at: parameter + 1)
                insert.states.bind(Int64(tasks[next].delay), at: parameter + 2)
                insert.states.bind(Int64(tasks[next].timeToRun), at: parameter + 3)
                insert.states.bind(delayEnd(after: tasks[next].delay), at: parameter + 4)
                bodies.append(tasks[next].body)
                next += 1
            }
            tubes.append((tube, next))
        }
        try insert.states.run()
        // AUTOINCREMENT gives each row the number after the largest one, and no other connection writes during this
        // time.
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
                    PendingTask(id: id, priority: Int64(priority), timeToRun: Int64(timeToRun), isKeyed: false),
                    due: delayEnd(after: tasks[next].delay),
                    to: tube
                )
                outcomes.append(.inserted(TaskID(rawValue: id)))
                next += 1
            }
        }
    }
}
