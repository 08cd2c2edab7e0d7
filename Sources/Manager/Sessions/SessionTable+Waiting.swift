internal import TaskStore

/// Tasks for sessions of this manager that wait.
extension SessionTable {
    /// The number of sessions that are served in the same batch if their tubes or the number of tasks are not known.
    ///
    /// The number is enough for most cases. The other sessions are served by the next batch, when more is known.
    static let servedAtOnce = 64

    // Events from outside.

    /// Wakes all waiting sessions: there may be tasks for them, from any source.
    mutating func wakeWaiting() {
        if waiting > 0 { wakes.wakeEveryone() }
    }

    /// Wakes the sessions of tubes in which there may be more to claim.
    mutating func wake(_ tubes: some Sequence<TubeName>) {
        guard waiting > 0 else { return }
        for tube in tubes where waiting(for: tube) > 0 { wakes.wake(tube) }
    }

    /// Wakes sessions that wait and whose named sessions other connections have taken up.
    mutating func wakeDisplaced(_ sessions: some Sequence<SessionID>) {
        for session in sessions {
            if let session = waitingSessions.namedSession(session) { wakes.wake(session) }
        }
    }

    // Tasks that a batch makes pending.

    /// Notes that tasks of the tube will become pending.
    mutating func owe(_ tube: TubeName, tasks: Int = 1) {
        if claimMayWait { madePendingBehindClaim = true }
        guard waiting > 0, waiting(for: tube) > 0 else { return }
        owed.add(tasks, of: tube)
    }

    /// Notes that tasks of unknown tubes will become pending.
    mutating func oweEveryone() {
        if claimMayWait { madePendingBehindClaim = true }
        guard waiting > 0 else { return }
        guard waiting <= Self.servedAtOnce else {
            wakes.isUnsure = true
            return
        }
        owesEveryone = true
    }

    /// Adds claims for the sessions that wait for the tasks that become pending.
    mutating func payOwed() {
        if owesEveryone {
            owesEveryone = false
            owed.removeAll()
            serve(waitingSessions.unserved(after: 0, atMost: waiting).sessions, for: nil)
        }
        guard !owed.isEmpty else { return }
        for (tube, tasks) in owed.take() {
            serve(waitingSessions.unserved(for: tube, atMost: min(tasks, room.serves + 1)), for: nil)
        }
    }

    /// Adds claims for sessions that were woken, as many as the batch has room for.
    mutating func serveWoken() {
        guard !wakes.isEmpty else { return }
        // The commands that have arrived need room too.
        let bodies = room.bodies
        room.bodies = (bodies + 1) / 2
        defer { room.bodies += bodies / 2 }

        serve(wakes.takeSessions(), for: nil)
        for (tube, count) in wakes.takeTubes() {
            guard room.hasServes else {
                wakes.postpone(tube, count)
                continue
            }
            serve(waitingSessions.unserved(for: tube, atMost: min(count, room.serves, room.bodies)), for: tube)
            wakes.tries(tube, count)
        }
        guard room.hasServes, let from = wakes.nextOfRound() else { return }
        let (sessions, next) = waitingSessions.unserved(after: from, atMost: min(room.serves, room.bodies))
        serve(sessions, for: nil)
        wakes.servedRound(upTo: next)
    }

    /// Adds claims for sessions that wait and are not served yet, as far as the batch has room.
    ///
    /// - Parameters:
    ///   - sessions: the sessions.
    ///   - tube: the tube for which they were woken, if it is known.
    private mutating func serve(_ sessions: [Session], for tube: TubeName?) {
        for session in sessions where session.wait?.isBeingServed == false {
            guard room.hasServes else {
                wakes.isUnsure = true
                return
            }
            room.serves -= 1
            room.bodies -= 1
            session.wait?.isBeingServed = true
            claimMayWait = true
            add(.claim(tubes: session.watchedTubes, count: 1, waits: true), .serve(for: tube), for: session)
        }
    }

    // Outcomes.

    /// Notes that the batch was carried out.
    ///
    /// - Parameter tubes: the tubes in which it has left more to claim than before; `nil` if that is not known.
    mutating func wake(after tubes: [TubeName]?) {
        wakes.endBatch(succeeded: true) { waitingSessions.count(for: $0) > 0 }
        if let tubes {
            wake(tubes)
        } else if wakes.isUnsure {
            wakeWaiting()
        }
        wakes.isUnsure = false
    }
}
