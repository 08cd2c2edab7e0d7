import TaskStore

/// Questions of operators, read in a transaction that writes nothing.
///
/// Every list is bounded by an ``InspectBudget``, since the clients of this manager wait during that time.
extension TaskTables {
    struct InspectStatements {
        let tubes: Statement
        let task: Statement
        let tasks: Statement
        let idsOfTube: StatementPerState
        let ids: StatementPerState
        let claimed: Statement
        let countsOfTube: Statement
        let counts: Statement
        let bodyStart: Statement
        let bodyLike: Statement
        let key: Statement
        let sessionOfHolder: Statement
        let sessions: Statement
        let claimOfSession: Statement
        let managers: Statement
        let events: Statement

        private static let columnsOfTask = """
            id, tube_id, state, priority, created_ms, delay_s, ttr_s, due_ms, reserves, timeouts, releases, buries, kicks,
            holder, keyed
            """

        private static let claimsOfManager = """
            (SELECT count(*) FROM task_state
             WHERE state = 'claimed' AND holder BETWEEN manager.id << 32 AND (manager.id << 32) + 4294967295)
            """

        init(_ registry: StatementRegistry) throws(SQLiteError) {
            tubes = try registry.prepare("inspect tubes", "SELECT id, name FROM tube WHERE name > ?1 ORDER BY name")
            task = try registry.prepare(
                "inspect task",
                "SELECT \(Self.columnsOfTask) FROM task_state WHERE id = ?1"
            )
            tasks = try registry.prepare(
                "inspect tasks",
                "SELECT \(Self.columnsOfTask) FROM task_state NOT INDEXED WHERE id > ?1 ORDER BY id"
            )
            // No ORDER BY: that of the index does.
            idsOfTube = try StatementPerState(registry, "inspect ids of tube") { state in
                "SELECT id FROM task_state WHERE state = '\(state.rawValue)' AND tube_id = ?1 LIMIT ?2"
            }
            ids = try StatementPerState(registry, "inspect ids") { state in
                """
                SELECT id FROM task_state INDEXED BY task_\(state.rawValue) WHERE state = '\(state.rawValue)' LIMIT ?1
                """
            }
            claimed = try registry.prepare(
                "inspect ids claimed",
                "SELECT id FROM task_state INDEXED BY task_claimed WHERE state = 'claimed' LIMIT ?1"
            )
            countsOfTube = try registry.prepare(
                "inspect counts of tube",
                "SELECT pending, delayed, claimed, buried FROM tube WHERE id = ?1"
            )
            counts = try registry.prepare(
                "inspect counts",
                "SELECT sum(pending), sum(delayed), sum(claimed), sum(buried) FROM tube"
            )
            bodyStart = try registry.prepare(
                "inspect body",
                "SELECT length(body), substr(body, 1, ?2) FROM task_body WHERE id = ?1"
            )
            bodyLike = try registry.prepare(
                "inspect body for bytes",
                "SELECT instr(body, ?2) > 0 FROM task_body WHERE id = ?1"
            )
            key = try registry.prepare("inspect key", "SELECT key FROM unique_key WHERE task_id = ?1")
            sessionOfHolder = try registry.prepare(
                "inspect session of holder",
                "SELECT connection FROM session WHERE id = ?1"
            )
            sessions = try registry.prepare(
                "inspect sessions",
                """
                SELECT id, connection, taken_ms,
                    (SELECT count(*) FROM task_state WHERE state = 'claimed' AND holder = session.id)
                FROM session WHERE id > ?1 ORDER BY id
                """
            )
            claimOfSession = try registry.prepare(
                "inspect claim of session",
                "SELECT 1 FROM task_state WHERE state = 'claimed' AND holder = ?1 AND tube_id = ?2 LIMIT 1"
            )
            managers = try registry.prepare(
                "inspect managers",
                """
                SELECT id, name, address, pid, host, version, started_ms, heartbeat_ms, draining, figures,
                    \(Self.claimsOfManager)
                FROM manager ORDER BY id
                """
            )
            events = try registry.prepare("inspect events", "SELECT name, at_ms FROM store_event")
        }
    }

    /// Answers a question.
    ///
    /// A transaction is open, and ``startBatch(at:)`` was called in it. What only the files tell is left to the caller.
    func inspect(_ query: InspectQuery, _ budget: InspectBudget) throws(SQLiteError) -> Outcome {
        switch query {
        case .managers: return .inspected(.managers(try describeManagers()))
        case .tubes(let state, let after, let limit):
            return .inspected(.tubes(try inspectTubes(having: state, after: after, limit: limit, budget)))
        case .tube(let name):
            guard case .tube(let statistics) = try tubeStatistics(of: name) else { return .notFound }
            return .inspected(.tube(statistics))
        case .tasks(let filter, let after, let limit):
            return .inspected(.tasks(try inspectTasks(filter, after: after, limit: limit, budget)))
        case .task(let id, let withBody): return try inspectTask(id, withBody: withBody)
        case .claims(let tube, let manager, let after, let limit):
            let filter = TaskFilter(tube: tube, state: .claimed)
            return .inspected(
                .claims(try inspectTasks(filter, heldThrough: manager, after: after, limit: limit, budget))
            )
        case .sessions(let tube, let manager, let after, let limit):
            return .inspected(
                .sessions(try inspectSessions(tube: tube, manager: manager, after: after, limit: limit, budget))
            )
        case .store: return .inspected(.store(try describeStore()))
        }
    }

    /// Reads a page of tubes.
    private func inspectTubes(
        having state: TaskState?,
        after: TubeName?,
        limit: Int,
        _ budget: InspectBudget
    ) throws(SQLiteError) -> InspectPage<TubeStatistics> {
        var budget = budget
        let statement = statements.inspect.tubes
        statement.bind(after?.text ?? "", at: 1)
        defer { statement.reset() }
        var page = InspectPage<TubeStatistics>([])
        var last = after?.text
        while try statement.step() {
            guard page.rows.count < limit, budget.takeRow() else {
                page.next = last
                break
            }
            let text = statement.text(1)
            last = text
            guard let name = TubeName(text) else { continue }
            if let state, try counts(ofTube: statement.int(0))[state, default: 0] == 0 { continue }
            guard case .tube(let statistics) = try tubeStatistics(of: name) else { continue }
            page.rows.append(statistics)
        }
        return page
    }

    /// Reads the numbers of tasks by state in a tube's row, or in those of all tubes.
    func counts(ofTube id: Int64?) throws(SQLiteError) -> [TaskState: Int64] {
        let statement = id == nil ? statements.inspect.counts : statements.inspect.countsOfTube
        if let id { statement.bind(id) }
        guard try statement.step() else { return [:] }
        defer { statement.reset() }
        return [
            .pending: statement.int(0), .delayed: statement.int(1), .claimed: statement.int(2),
            .buried: statement.int(3),
        ]
    }

    private func describeManagers() throws(SQLiteError) -> [ManagerDescription] {
        let statement = statements.inspect.managers
        var managers: [ManagerDescription] = []
        while try statement.step() {
            managers.append(
                ManagerDescription(
                    id: ManagerID(rawValue: statement.int(0)),
                    name: statement.text(1),
                    lane: 0,
                    address: statement.text(2),
                    process: Int(statement.int(3)),
                    host: statement.text(4),
                    version: statement.text(5),
                    started: Timestamp(rawValue: statement.int(6)),
                    heartbeat: Timestamp(rawValue: statement.int(7)),
                    claims: Int(statement.int(10)),
                    isToldToDrain: statement.optionalInt(8).map { $0 != 0 },
                    figures: ManagerFigures(text: statement.text(9))
                )
            )
        }
        return managers
    }

    private func describeStore() throws(SQLiteError) -> StoreDescription {
        var store = StoreDescription(
            kind: .sqlite,
            schemaVersion: Schema.version,
            library: Database.libraryVersion,
            statistics: try storeStatistics(),
            databaseBytes: 0
        )
        let events = statements.inspect.events
        while try events.step() {
            let moment = Timestamp(rawValue: events.int(1))
            switch events.text(0) {
            case "checkpoint": store.lastCheckpoint = moment
            case "backup": store.lastBackup = moment
            default: break
            }
        }
        return store
    }
}
