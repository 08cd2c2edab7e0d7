import TaskStore

/// What operators do and ask, by searching all tasks.
extension MemoryStore {
    func operate(_ action: Action, _ now: Int64) -> Outcome {
        switch action {
        case .breakClaim(let id):
            guard queue.items[id]?.state == .claimed else { return .notFound }
            queue.makePending(id)
            return .broken
        case .endSession(let number):
            let session = NamedSessionID(rawValue: number)
            guard queue.extensions.sessions[session] != nil else { return .notFound }
            queue.extensions.sessions[session] = nil
            return .ended(returnClaims(of: ClaimHolder(session)))
        case .moveTask(let id, let tube):
            guard let item = queue.items[id], item.state != .claimed else { return .notFound }
            if item.tube != tube { move(id, from: item.tube, to: tube) }
            return .moved(1)
        case .moveTasks(let source, let target, let state, let limit):
            guard state != .claimed, queue.line(source) != nil else { return .notFound }
            guard source != target else { return .moved(0) }
            let ids = queue.ids(source, state).prefix(limit)
            for id in ids { move(id, from: source, to: target) }
            return .moved(ids.count)
        case .editTask(let id, let edit):
            guard let item = queue.items[id], item.state != .claimed, item.state != .buried || edit.delay == nil else {
                return .notFound
            }
            if let priority = edit.priority { queue.items[id]?.priority = priority }
            if let timeToRun = edit.timeToRun { queue.items[id]?.timeToRun = timeToRun }
            if let delay = edit.delay {
                queue.makePending(id)
                queue.items[id]?.delay = delay
                if delay > 0 { postpone(id, delay, now) }
            }
            return .edited
        case .setDraining(let name, let isDraining):
            let members = queue.members.filter { $0.name == name }
            for member in members { member.isToldToDrain = isDraining }
            return members.isEmpty ? .notFound : .drainingSet
        default: return .failed
        }
    }

    private func move(_ id: TaskID, from former: TubeName, to tube: TubeName) {
        queue.make(tube)
        queue.items[id]?.tube = tube
        if queue.items[id]?.state == .buried {
            queue.buriedCount += 1
            queue.items[id]?.buriedAt = queue.buriedCount
        }
        queue.removeIfUnused(former)
    }

    // Questions.

    func inspect(_ query: InspectQuery, _ now: Int64) -> Outcome {
        switch query {
        case .managers:
            return .inspected(.managers(queue.members.filter { !$0.isDead }.map(describe)))
        case .tubes(let state, let after, let limit):
            let tubes = queue.lines.map(\.name)
                .filter { name in
                    (after.map { name > $0 } ?? true) && (state.map { !queue.ids(name, $0).isEmpty } ?? true)
                }
            let page = tubes.sorted().prefix(limit)
            let rows = page.compactMap { statistics(of: $0, now) }
            return .inspected(.tubes(InspectPage(rows, next: tubes.count > limit ? page.last?.text : nil)))
        case .tube(let name):
            return statistics(of: name, now).map { .inspected(.tube($0)) } ?? .notFound
        case .tasks(let filter, let after, let limit):
            return .inspected(.tasks(tasks(filter, after, limit, now) { _ in true }))
        case .claims(let tube, let manager, let after, let limit):
            let page = tasks(TaskFilter(tube: tube, state: .claimed), after, limit, now) { holder in
                manager == nil || holder?.manager == manager
            }
            return .inspected(.claims(page))
        case .task(let id, let withBody):
            guard let item = queue.items[id], var task = describe(id, now) else { return .notFound }
            if withBody { task.body = .whole(item.body) }
            task.key = queue.extensions.keys.first { $0.value.task == id }?.key.key.text
            return .inspected(.task(task))
        case .sessions(let tube, let manager, let after, let limit):
            let numbers = queue.extensions.sessions.keys.map(\.rawValue).sorted()
                .filter { number in
                    number > after && (manager == nil || holder(number).manager == manager)
                        && (tube == nil
                            || queue.items.values.contains { $0.tube == tube && $0.holder?.rawValue == number })
                }
            let page = numbers.prefix(limit)
            let next = numbers.count > limit ? page.last.map(String.init) : nil
            return .inspected(.sessions(InspectPage(page.map(describeSession), next: next)))
        case .store:
            guard case .store(let statistics) = read(.storeStatistics, now) else { return .failed }
            return .inspected(
                .store(
                    StoreDescription(
                        kind: .sqlite,
                        schemaVersion: 0,
                        library: "memory",
                        statistics: statistics,
                        databaseBytes: 0
                    )
                )
            )
        }
    }

    private func tasks(
        _ filter: TaskFilter,
        _ after: TaskID,
        _ limit: Int,
        _ now: Int64,
        _ isWanted: (HolderDescription?) -> Bool
    ) -> InspectPage<TaskDescription> {
        let ids = queue.items.keys.sorted()
            .filter { id in
                guard id > after, let item = queue.items[id] else { return false }
                return (filter.tube ?? item.tube) == item.tube && (filter.state ?? item.state) == item.state
                    && filter.olderThan.map { item.created < now - Int64($0) * 1000 } ?? true
                    && (filter.bodyLike.isEmpty || item.body.contains(filter.bodyLike))
                    && isWanted(item.holder.map { holder($0.rawValue) })
            }
        let page = ids.prefix(limit)
        return InspectPage(
            page.compactMap { describe($0, now) },
            next: ids.count > limit ? page.last?.description : nil
        )
    }

    private func describe(_ id: TaskID, _ now: Int64) -> TaskDescription? {
        guard let item = queue.items[id], case .task(let statistics) = read(.taskStatistics(id), now) else {
            return nil
        }
        return TaskDescription(
            statistics: statistics,
            created: Timestamp(rawValue: item.created),
            holder: item.holder.map { holder($0.rawValue) },
            bodyBytes: item.body.count,
            body: .start(Array(item.body.prefix(TaskDescription.bytesOfStart)))
        )
    }

    private func holder(_ number: Int64) -> HolderDescription {
        let isNamed = number <= NamedSessionID.largest
        let connection =
            isNamed
            ? queue.extensions.sessions[NamedSessionID(rawValue: number)]?.connection : SessionID(rawValue: number)
        return HolderDescription(
            session: number,
            isNamed: isNamed,
            manager: connection.flatMap { link in queue.members.first { $0.manager == link.manager }?.name },
            connection: connection?.connection
        )
    }

    private func describeSession(_ number: Int64) -> SessionDescription {
        SessionDescription(
            holder: holder(number),
            attached: Timestamp(rawValue: 0),
            claims: queue.items.values.count { $0.holder?.rawValue == number }
        )
    }

    private func statistics(of name: TubeName, _ now: Int64) -> TubeStatistics? {
        guard case .tube(let statistics) = read(.tubeStatistics(name), now) else { return nil }
        return statistics
    }

    private func describe(_ member: MemoryStore) -> ManagerDescription {
        ManagerDescription(
            id: member.manager,
            name: member.name,
            lane: 0,
            address: "",
            process: 0,
            host: "",
            version: "",
            started: Timestamp(rawValue: 0),
            heartbeat: Timestamp(rawValue: 0),
            claims: queue.items.values.count { $0.holder?.connection?.manager == member.manager },
            isToldToDrain: member.isToldToDrain,
            figures: member.figures
        )
    }
}
