import TaskStore

/// Lists of tasks for operators, in the order of the ids.
extension TaskTables {
    /// Reads a page of tasks.
    ///
    /// If an index has few tasks that can match, only those are looked at. All others are looked at in the order of the
    /// ids, until the budget is used up.
    ///
    /// - Parameters:
    ///   - filter: the tasks that are wanted.
    ///   - manager: the name of the manager through which a task is held; nil for any, and for tasks that are not held.
    ///   - after: the id behind which the page begins.
    ///   - limit: the most tasks.
    ///   - budget: the work that is allowed.
    /// - Returns: the page.
    /// - Throws: SQLite's error.
    func inspectTasks(
        _ filter: TaskFilter,
        heldThrough manager: String? = nil,
        after: TaskID,
        limit: Int,
        _ budget: InspectBudget
    ) throws(SQLiteError) -> InspectPage<TaskDescription> {
        var tubeID: Int64?
        if let name = filter.tube {
            guard let tube = try findTube(name) else { return InspectPage([]) }
            tubeID = tube.id
        }
        var page = Page(filter: filter, tube: tubeID, manager: manager, after: after, limit: limit, budget: budget)
        if let ids = try candidates(state: filter.state, tube: tubeID, after: after.rawValue) {
            for id in ids {
                let statement = statements.inspect.task
                statement.bind(id)
                guard try statement.step() else { continue }
                defer { statement.reset() }
                guard try look(at: statement, &page) else { break }
            }
        } else {
            let statement = statements.inspect.tasks
            statement.bind(after.rawValue)
            defer { statement.reset() }
            while try statement.step(), try look(at: statement, &page) {}
        }
        return InspectPage(page.rows, next: page.next.map(String.init))
    }

    /// A page that is being filled.
    private struct Page {
        let filter: TaskFilter
        let tube: Int64?
        let manager: String?
        let limit: Int
        var budget: InspectBudget
        var holders = HolderNames()
        var rows: [TaskDescription] = []

        /// The last task that was looked at.
        var last: Int64

        /// Set if other tasks may follow.
        var next: Int64?

        init(filter: TaskFilter, tube: Int64?, manager: String?, after: TaskID, limit: Int, budget: InspectBudget) {
            self.filter = filter
            self.tube = tube
            self.manager = manager
            self.limit = limit
            self.budget = budget
            self.last = after.rawValue
        }
    }

    /// Looks at a task, and adds it to the page if it is wanted.
    ///
    /// - Returns: false if the page is full or the budget used up; then the task was not looked at.
    private func look(at row: Statement, _ page: inout Page) throws(SQLiteError) -> Bool {
        guard page.rows.count < page.limit, page.budget.takeRow() else {
            page.next = page.last
            return false
        }
        let id = row.int(0)
        page.last = id
        if let tube = page.tube, row.int(1) != tube { return true }
        guard let state = TaskState(firstByte: row.firstByte(2)), page.filter.state == nil || page.filter.state == state
        else { return true }
        if let seconds = page.filter.olderThan, row.int(4) >= now - Int64(seconds) * 1000 { return true }
        let holder = try row.optionalInt(13).map { (number) throws(SQLiteError) in try describe(number, &page.holders) }
        if let manager = page.manager, holder?.manager != manager { return true }
        if !page.filter.bodyLike.isEmpty, try !bodyHas(page.filter.bodyLike, of: id) { return true }
        var task = try describe(row, state, holder)
        (task.bodyBytes, task.body) = try bodyStart(of: id)
        page.rows.append(task)
        return true
    }

    /// Finds the ids of all tasks that can match, if they are few.
    ///
    /// - Returns: the ids behind `after` in order; nil if there are too many, or no index has them.
    private func candidates(state: TaskState?, tube: Int64?, after: Int64) throws(SQLiteError) -> [Int64]? {
        guard state != nil || tube != nil else { return nil }
        let states = state.map { [$0] } ?? TaskState.allCases
        let counts = try counts(ofTube: tube)
        var expected: Int64 = 0
        for state in states {
            guard let count = counts[state], count > 0 else { continue }
            // No index has the claimed tasks of a tube.
            expected += try state == .claimed && tube != nil ? self.counts(ofTube: nil)[.claimed, default: 0] : count
        }
        guard expected <= InspectBudget.mostRows else { return nil }
        var ids: [Int64] = []
        for state in states where counts[state, default: 0] > 0 {
            let statement: Statement
            let limit = Int64(InspectBudget.mostRows)
            switch (OrderedState(state), tube) {
            case (nil, _):
                statement = statements.inspect.claimed
                statement.bind(limit)
            case (let ordered?, let tube?):
                statement = statements.inspect.idsOfTube[ordered]
                statement.bind(tube, limit)
            case (let ordered?, nil):
                statement = statements.inspect.ids[ordered]
                statement.bind(limit)
            }
            while try statement.step() { if statement.int(0) > after { ids.append(statement.int(0)) } }
        }
        return ids.sorted()
    }

    /// Describes one task with everything that is known of it.
    func inspectTask(_ id: TaskID, withBody: Bool) throws(SQLiteError) -> Outcome {
        let row = statements.inspect.task
        row.bind(id.rawValue)
        guard try row.step() else { return .notFound }
        defer { row.reset() }
        guard let state = TaskState(firstByte: row.firstByte(2)) else {
            throw SQLiteError(corrupt: "task \(id) is in no known state")
        }
        var holders = HolderNames()
        let holder = try row.optionalInt(13).map { (number) throws(SQLiteError) in try describe(number, &holders) }
        var task = try describe(row, state, holder)
        if row.int(14) != 0 { task.key = try key(of: id.rawValue) }
        (task.bodyBytes, task.body) = try bodyStart(of: id.rawValue)
        guard withBody else { return .inspected(.task(task)) }
        let body = statements.body.read
        body.bind(id.rawValue)
        guard try body.step() else { return .inspected(.task(task)) }
        defer { body.reset() }
        task.body = Self.checkedBody(of: id.rawValue, in: body, at: 0).map { .whole($0) } ?? .damaged
        return .inspected(.task(task))
    }

    private func describe(
        _ row: Statement,
        _ state: TaskState,
        _ holder: HolderDescription?
    ) throws(SQLiteError) -> TaskDescription {
        let created = row.int(4)
        let due = row.optionalInt(7)
        return TaskDescription(
            statistics: TaskStatistics(
                id: TaskID(rawValue: row.int(0)),
                tube: try tube(withID: row.int(1)).name,
                state: state,
                priority: UInt32(clamping: row.int(3)),
                age: now - created,
                delay: UInt32(clamping: row.int(5)),
                timeToRun: UInt32(clamping: row.int(6)),
                timeLeft: due.map { $0 - (state == .claimed ? claimNow : now) } ?? 0,
                reserves: Int(row.int(8)),
                timeouts: Int(row.int(9)),
                releases: Int(row.int(10)),
                buries: Int(row.int(11)),
                kicks: Int(row.int(12))
            ),
            created: Timestamp(rawValue: created),
            holder: holder,
            bodyBytes: 0,
            body: .hidden
        )
    }

    /// Reads the length of a body and its first bytes.
    private func bodyStart(of id: Int64) throws(SQLiteError) -> (bytes: Int, start: TaskBody) {
        let statement = statements.inspect.bodyStart
        statement.bind(id, Int64(TaskDescription.bytesOfStart))
        guard try statement.step() else { return (0, .damaged) }
        defer { statement.reset() }
        return (Int(statement.int(0)), .start(statement.bytes(1)))
    }

    private func bodyHas(_ bytes: [UInt8], of id: Int64) throws(SQLiteError) -> Bool {
        let statement = statements.inspect.bodyLike
        statement.bind(id)
        statement.bind(copying: bytes, at: 2)
        defer { statement.reset() }
        return try statement.step() && statement.int(0) != 0
    }

    private func key(of id: Int64) throws(SQLiteError) -> String? {
        let statement = statements.inspect.key
        statement.bind(id)
        defer { statement.reset() }
        return try statement.step() ? statement.text(0) : nil
    }
}
