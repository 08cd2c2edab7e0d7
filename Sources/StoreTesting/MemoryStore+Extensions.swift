import TaskStore

/// The keys and named sessions of the plain store.
struct MemoryExtensions {
    struct KeyInTube: Hashable {
        var tube: TubeName
        var key: UniqueKey
    }

    struct Key {
        var task: TaskID
        var keptUntil: Int64?
    }

    struct Named {
        var name: SessionName
        var connection: SessionID?
    }

    var keys: [KeyInTube: Key] = [:]
    var sessions: [NamedSessionID: Named] = [:]
    var lastSession: Int64 = 0
}

extension MemoryQueue {
    /// Deletes a task, whichever session holds it.
    func remove(_ id: TaskID, _ now: Int64) {
        guard let item = items.removeValue(forKey: id) else { return }
        update(item.tube) { $0.deletes += 1 }
        for (place, key) in extensions.keys where key.task == id {
            extensions.keys[place]?.keptUntil = now + Int64(QueueRules.keyRetention) * 1000
        }
        removeIfUnused(item.tube)
    }

    /// Detaches the named sessions of a manager that is gone.
    func detachConnections(of manager: ManagerID) {
        for (id, session) in extensions.sessions where session.connection?.manager == manager {
            extensions.sessions[id]?.connection = nil
        }
    }

    /// The claims of named sessions, with the time from which any manager may end them.
    var namedEnds: [(id: TaskID, end: Int64)] {
        items.filter { $0.value.holder?.namedSession != nil }
            .map { ($0.key, $0.value.due + QueueRules.graceOfNamedClaims) }
    }
}

extension MemoryStore {
    /// Returns what holds a connection's claims; `nil` if the connection was superseded.
    func holder(for connection: SessionID) -> ClaimHolder? {
        guard let session = named[connection] else { return ClaimHolder(connection) }
        return queue.extensions.sessions[session]?.connection == connection ? ClaimHolder(session) : nil
    }

    func putUnlessKnown(_ task: NewTask, _ now: Int64) -> Outcome {
        guard let key = task.key else { return put(task, now) }
        let place = MemoryExtensions.KeyInTube(tube: task.tube, key: key)
        if let known = queue.extensions.keys[place], known.keptUntil.map({ $0 > now }) ?? true {
            return .exists(known.task)
        }
        let outcome = put(task, now)
        if case .inserted(let id) = outcome { queue.extensions.keys[place] = MemoryExtensions.Key(task: id) }
        return outcome
    }

    func clear(_ tube: TubeName, _ state: TaskState, limit: Int, _ now: Int64) -> Outcome {
        guard state != .claimed, queue.line(tube) != nil else { return .notFound }
        let ids = queue.ids(tube, state).prefix(limit)
        for id in ids { queue.remove(id, now) }
        return .cleared(ids.count)
    }

    func attach(_ name: SessionName, after last: TaskID?, _ connection: SessionID, _ now: Int64) -> Outcome {
        let known = queue.extensions.sessions.first { $0.value.name == name }
        if last != nil, known == nil || known?.value.connection != connection { return .superseded }
        let id = known?.key ?? NamedSessionID(rawValue: queue.extensions.lastSession + 1)
        queue.extensions.lastSession = max(queue.extensions.lastSession, id.rawValue)
        queue.extensions.sessions[id] = MemoryExtensions.Named(name: name, connection: connection)
        if let former = named[connection], former != id { detach(former, connection) }
        for (task, item) in queue.items where item.holder == ClaimHolder(connection) {
            queue.items[task]?.holder = ClaimHolder(id)
        }
        named[connection] = id
        let held = queue.items.filter { $0.value.holder == ClaimHolder(id) }.sorted { $0.key < $1.key }
        return .attached(
            held.filter { task, _ in last.map { task > $0 } ?? true }
                .map { task, item in
                    HeldClaim(id: task, tube: item.tube, timeToRun: item.timeToRun, timeLeft: max(0, item.due - now))
                }
        )
    }

    /// Detaches a connection from its named session.
    ///
    /// - Returns: whether it was attached to one.
    func detach(_ connection: SessionID) -> Bool {
        guard let session = named.removeValue(forKey: connection) else { return false }
        detach(session, connection)
        return true
    }

    private func detach(_ session: NamedSessionID, _ connection: SessionID) {
        guard queue.extensions.sessions[session]?.connection == connection else { return }
        queue.extensions.sessions[session]?.connection = nil
        // Sessions without claims are removed, and their names are free.
        if !queue.items.values.contains(where: { $0.holder == ClaimHolder(session) }) {
            queue.extensions.sessions[session] = nil
        }
    }
}
