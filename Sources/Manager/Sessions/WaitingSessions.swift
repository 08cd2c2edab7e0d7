internal import TaskStore

/// The sessions that wait for a task: by the tubes that they watch, and by the named session to which they are attached.
struct WaitingSessions {
    private var byTube: [TubeName: WaitingList] = [:]
    private var anywhere = WaitingList()
    private var named: [SessionID: Session] = [:]
    private var byName: [SessionName: [SessionID]] = [:]
    private var lastTicket: UInt64 = 0

    /// The tubes whose number of waiting sessions has changed since the last call of ``takeChanges()``; `nil` before
    /// the first call.
    private var changed: Set<TubeName>?

    /// The number of sessions that wait.
    var count: Int { anywhere.count }

    /// Returns the number of sessions that wait for a task of a tube.
    func count(for tube: TubeName) -> Int { byTube[tube]?.count ?? 0 }

    /// Returns the sessions with this name that wait.
    func sessions(named name: SessionName) -> [Session] { byName[name, default: []].compactMap { named[$0] } }

    /// The sessions that wait and are attached to a named session.
    var allNamed: [Session] { Array(named.values) }

    /// Returns a session that waits and is attached to a named session.
    func namedSession(_ id: SessionID) -> Session? { named[id] }

    /// Adds a session that begins to wait.
    mutating func add(_ session: Session, until deadline: ContinuousClock.Instant?) {
        lastTicket += 1
        session.beginWait(Session.Wait(deadline: deadline, ticket: lastTicket))
        anywhere.append(session, ticket: lastTicket)
        let tubes = session.claimTubes
        for tube in tubes { byTube[tube, default: WaitingList()].append(session, ticket: lastTicket) }
        changed?.formUnion(tubes)
        if let name = session.name {
            named[session.id] = session
            byName[name, default: []].append(session.id)
        }
    }

    /// Removes a session that does not wait any more.
    mutating func remove(_ session: Session) {
        session.endWait()
        anywhere.leave()
        let tubes = session.claimTubes
        for tube in tubes {
            byTube[tube]?.leave()
            if byTube[tube]?.count == 0 { byTube[tube] = nil }
        }
        changed?.formUnion(tubes)
        if let name = session.name {
            named[session.id] = nil
            byName[name]?.removeAll { $0 == session.id }
            if byName[name]?.isEmpty == true { byName[name] = nil }
        }
    }

    /// Returns sessions that wait for a tube and that the batch does not serve yet, the longest waiting first.
    func unserved(for tube: TubeName, atMost limit: Int) -> [Session] {
        var sessions: [Session] = []
        byTube[tube]?
            .forEachUnserved { session, _ in
                if sessions.count < limit { sessions.append(session) }
                return sessions.count < limit
            }
        return sessions
    }

    /// Returns sessions that the batch does not serve yet, the longest waiting first.
    ///
    /// - Parameters:
    ///   - ticket: only sessions that began to wait after the one with this ticket.
    ///   - limit: the most sessions to return.
    /// - Returns: the sessions, and the ticket after which to continue; `nil` if there are no more.
    func unserved(after ticket: UInt64, atMost limit: Int) -> (sessions: [Session], next: UInt64?) {
        var sessions: [Session] = []
        var last = ticket
        var isMore = false
        anywhere.forEachUnserved(after: ticket) { session, ticket in
            guard sessions.count < limit else {
                isMore = true
                return false
            }
            sessions.append(session)
            last = ticket
            return true
        }
        return (sessions, isMore ? last : nil)
    }

    /// Returns the tubes whose number of waiting sessions may have changed since the last call, with the number.
    mutating func takeChanges() -> [TubeName: Int] {
        let tubes = changed ?? Set(byTube.keys)
        changed = []
        guard !tubes.isEmpty else { return [:] }
        return Dictionary(uniqueKeysWithValues: tubes.map { ($0, count(for: $0)) })
    }
}
