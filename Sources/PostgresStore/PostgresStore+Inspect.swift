import TaskStore

/// What operators ask: each question is one statement, which neither writes nor locks.
extension PostgresStore {
    /// Answers questions after a batch that ends what is due, so that the answers do not show what is over.
    ///
    /// - Parameter batch: inspections only.
    /// - Returns: their answers, with all else that the other batch has found.
    /// - Throws: ``StoreError``; ``StoreError/Code/refused`` if the batch has other operations.
    func inspect(_ batch: Batch) throws(StoreError) -> BatchResult {
        let queries = batch.operations.compactMap(\.action.query)
        guard queries.count == batch.operations.count else {
            throw StoreError(.refused, "PostgreSQL: an inspection is run in a batch of its own")
        }
        var result = try run(Batch([], now: batch.now))
        let now = options.usesBatchTime ? batch.now.rawValue : nil
        do {
            result.outcomes = []
            for query in queries { result.outcomes.append(try inspect(query, at: now, InspectBudget())) }
        } catch {
            if error.meaning == .reconnect { disconnect() }
            throw error.storeError
        }
        return result
    }

    private func inspect(_ query: InspectQuery, at now: Int64?, _ budget: InspectBudget) throws(PostgresError)
        -> Outcome
    {
        let rows = try ask(query, at: now, budget)
        let time = now ?? serverTime
        switch query {
        case .managers:
            return .inspected(.managers((0..<rows.count).map { describeManager(rows, $0) }))
        case .tubes:
            var page = InspectPage<TubeStatistics>([])
            for row in 0..<rows.count {
                if rows.isNull(row, 1) {
                    page.next = rows.text(row, 0)
                } else if let name = TubeName(rows.text(row, 0)) {
                    page.rows.append(TubeStatistics(name, rows.int64s(row, 1)))
                }
            }
            return .inspected(.tubes(page))
        case .tube(let name):
            guard rows.count == 1, !rows.isNull(0, 0) else { return .notFound }
            return .inspected(.tube(TubeStatistics(name, rows.int64s(0, 0))))
        case .tasks: return .inspected(.tasks(readTasks(rows, at: time)))
        case .claims: return .inspected(.claims(readTasks(rows, at: time)))
        case .task(_, let withBody):
            guard rows.count == 1, var task = TaskDescription(rows, 0, at: time) else { return .notFound }
            if withBody { task.body = .whole(rows.bytes(0, 5)) }
            if !rows.isNull(0, 6) { task.key = rows.text(0, 6) }
            return .inspected(.task(task))
        case .sessions:
            var page = InspectPage<SessionDescription>([])
            for row in 0..<rows.count {
                if rows.isNull(row, 3) {
                    page.next = String(rows.int64(row, 0))
                } else {
                    page.rows.append(SessionDescription(rows, row))
                }
            }
            return .inspected(.sessions(page))
        case .store:
            return .inspected(.store(StoreDescription(rows)))
        }
    }

    /// The time of the server, as the batch before the question has read it.
    private var serverTime: Int64 { clock.latest }

    private func ask(_ query: InspectQuery, at now: Int64?, _ budget: InspectBudget) throws(PostgresError) -> ResultRows
    {
        let deadline = ContinuousClock.now + timeout
        let connection = try connected(until: deadline)
        let (statement, parameters) = request(query, at: now, budget)
        return try connection.run([PostgresConnection.Request(statement, parameters)], until: deadline)[0]
    }

    private func request(_ query: InspectQuery, at now: Int64?, _ budget: InspectBudget) -> (Statement, Parameters) {
        var parameters = Parameters()
        let bounds = (rows: Int64(budget.rows), time: InspectBudget.longestTime.milliseconds)
        switch query {
        case .managers: return (.inspectManagers, parameters)
        case .store: return (.inspectStore, parameters)
        case .tubes(let state, let after, let limit):
            parameters.add(state?.rawValue)
            parameters.add(after?.text ?? "")
            parameters.add(Int64(limit))
            parameters.add(bounds.rows)
            parameters.add(bounds.time)
            parameters.add(now)
            return (.inspectTubes, parameters)
        case .tube(let name):
            parameters.add(name.text)
            parameters.add(now)
            return (.inspectTube, parameters)
        case .tasks(let filter, let after, let limit):
            add(filter, manager: nil, at: now ?? serverTime, to: &parameters)
            addPage(after: after.rawValue, limit, bounds, to: &parameters)
            parameters.add(Int32(TaskDescription.bytesOfStart))
            return (.inspectTasks, parameters)
        case .claims(let tube, let manager, let after, let limit):
            add(TaskFilter(tube: tube, state: .claimed), manager: manager, at: 0, to: &parameters)
            addPage(after: after.rawValue, limit, bounds, to: &parameters)
            parameters.add(Int32(TaskDescription.bytesOfStart))
            return (.inspectTasks, parameters)
        case .task(let id, let withBody):
            parameters.add(id.rawValue)
            parameters.add(withBody)
            parameters.add(Int32(TaskDescription.bytesOfStart))
            return (.inspectTask, parameters)
        case .sessions(let tube, let manager, let after, let limit):
            parameters.add(tube?.text)
            parameters.add(manager)
            addPage(after: after, limit, bounds, to: &parameters)
            return (.inspectSessions, parameters)
        }
    }

    private func add(_ filter: TaskFilter, manager: String?, at now: Int64, to parameters: inout Parameters) {
        parameters.add(filter.tube?.text)
        parameters.add(filter.state?.rawValue)
        parameters.add(filter.olderThan.map { now - Int64($0) * 1000 })
        parameters.add(bytes: filter.bodyLike.isEmpty ? nil : filter.bodyLike)
        parameters.add(manager)
    }

    private func addPage(
        after: Int64,
        _ limit: Int,
        _ bounds: (rows: Int64, time: Int64),
        to parameters: inout Parameters
    ) {
        parameters.add(after)
        parameters.add(Int64(limit))
        parameters.add(bounds.rows)
        parameters.add(bounds.time)
    }

    private func readTasks(_ rows: ResultRows, at now: Int64) -> InspectPage<TaskDescription> {
        var page = InspectPage<TaskDescription>([])
        for row in 0..<rows.count {
            if let task = TaskDescription(rows, row, at: now) {
                page.rows.append(task)
            } else {
                page.next = String(rows.int64(row, 0))
            }
        }
        return page
    }

    private func describeManager(_ rows: ResultRows, _ row: Int) -> ManagerDescription {
        let numbers = rows.int64s(row, 0)
        func number(_ index: Int) -> Int64 { index < numbers.count ? numbers[index] ?? 0 : 0 }
        let id = ManagerID(rawValue: number(0))
        return ManagerDescription(
            id: id,
            name: rows.text(row, 1),
            lane: Int(number(1)),
            address: rows.text(row, 2),
            process: Int(number(2)),
            host: rows.text(row, 3),
            version: rows.text(row, 4),
            started: Timestamp(rawValue: number(3)),
            heartbeat: Timestamp(rawValue: number(4)),
            claims: Int(number(6)),
            isToldToDrain: numbers.count > 5 ? numbers[5].map { $0 != 0 } : nil,
            figures: id == manager ? figures : ManagerFigures(text: rows.text(row, 5))
        )
    }
}
