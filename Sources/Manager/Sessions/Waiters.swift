internal import TaskStore

/// The sessions that wait for a task, the reasons for which they were woken, and the tubes that the store need not
/// watch for them any more.
struct Waiters {
    /// The sessions that wait.
    private(set) var sessions = WaitingSessions()

    /// The sessions that have to be served because of an event outside of the batch.
    var wakes = Wakes()

    /// Tasks that the present batch leaves for sessions that it does not serve.
    enum Unserved {
        /// There are none, or the store names their tubes.
        case none

        /// There may be some, for any session.
        case possible
    }

    /// Whether the present batch may leave tasks for sessions that it does not serve.
    var unserved = Unserved.none

    /// Tubes for which perhaps no session waits any more.
    private var abandoned: Set<TubeName> = []

    /// The number of sessions that wait.
    var count: Int { sessions.count }

    /// Returns the number of sessions that wait for a task of a tube.
    func count(for tube: TubeName) -> Int { sessions.count(for: tube) }

    /// Adds a session that begins to wait.
    mutating func add(_ session: Session, until deadline: ContinuousClock.Instant?) {
        sessions.add(session, until: deadline)
    }

    /// Removes a session that does not wait any more.
    mutating func remove(_ session: Session) {
        sessions.remove(session)
        abandon(session.claimTubes)
    }

    /// Notes tubes to which the store has subscribed for a claim that did not have to wait.
    mutating func abandon(_ tubes: [TubeName]) {
        abandoned.formUnion(tubes)
    }

    /// Returns the tubes for which no session waits any more.
    mutating func takeAbandoned() -> Set<TubeName> {
        guard !abandoned.isEmpty else { return [] }
        defer { abandoned.removeAll() }
        return abandoned.filter { count(for: $0) == 0 }
    }

    /// Returns the tubes whose number of waiting sessions may have changed since the last call, with the number.
    mutating func takeChanges() -> [TubeName: Int] { sessions.takeChanges() }

    // Events that wake.

    /// Wakes all sessions: there may be tasks for them, from any source.
    mutating func wakeAll() {
        if count > 0 { wakes.wakeAll() }
    }

    /// Wakes the sessions of tubes in which there may be more to claim.
    mutating func wake(_ tubes: some Sequence<TubeName>) {
        guard count > 0 else { return }
        for tube in tubes where count(for: tube) > 0 { wakes.wake(tube) }
    }

    /// Wakes sessions that wait and to whose named sessions other connections are attached now.
    mutating func wakeSuperseded(_ connections: some Sequence<SessionID>) {
        for connection in connections {
            if let session = sessions.namedSession(connection) { wakes.wake(session) }
        }
    }

    /// Wakes all sessions that wait and are attached to a named session.
    mutating func wakeAllNamed() {
        for session in sessions.allNamed { wakes.wake(session) }
    }

    /// Wakes the sessions that wait and are attached to a named session.
    mutating func wake(named name: SessionName) {
        for session in sessions.sessions(named: name) { wakes.wake(session) }
    }

    /// Ends a batch that was carried out.
    ///
    /// - Parameter tubes: the tubes in which it has left more to claim than before; `nil` if that is not known.
    mutating func endBatch(moreToClaim tubes: [TubeName]?) {
        wakes.endBatch(succeeded: true) { sessions.count(for: $0) > 0 }
        if let tubes {
            wake(tubes)
        } else if unserved == .possible {
            wakeAll()
        }
        unserved = .none
    }

    /// Ends a batch that has failed: what it served is tried again.
    mutating func endFailedBatch() {
        wakes.endBatch(succeeded: false) { sessions.count(for: $0) > 0 }
    }
}
