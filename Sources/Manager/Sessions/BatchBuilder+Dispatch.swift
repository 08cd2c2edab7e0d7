internal import TaskStore

/// Tasks for sessions of this manager that wait: those that the batch makes pending, and those from outside of it.
extension BatchBuilder {
    /// The number of sessions that are served in the same batch if their tubes or the number of tasks are not known.
    ///
    /// The number is enough for most cases. The other sessions are served by the next batch, when more is known.
    static let servedAtOnce = 64

    /// Notes what an operation makes pending.
    mutating func note(_ effect: PendingEffect, _ sessions: inout SessionRegistry) {
        switch effect {
        case .none: break
        case .tasks(let count, let tube): notePending(min(count, Self.servedAtOnce), of: tube, sessions)
        case .anywhere: notePendingAnywhere(&sessions)
        }
    }

    /// Notes that tasks of a tube become pending.
    mutating func notePending(_ tasks: Int, of tube: TubeName, _ sessions: borrowing SessionRegistry) {
        batch.addPending()
        guard sessions.waiters.count > 0, sessions.waiters.count(for: tube) > 0 else { return }
        pending.add(tasks, of: tube)
    }

    /// Notes that tasks of unknown tubes become pending.
    private mutating func notePendingAnywhere(_ sessions: inout SessionRegistry) {
        batch.addPending()
        let waiting = sessions.waiters.count
        guard waiting > 0 else { return }
        if waiting <= Self.servedAtOnce {
            pending.addAnywhere()
        } else {
            sessions.waiters.unserved = .possible
        }
    }

    /// Adds claims for the sessions that wait for the tasks that become pending.
    mutating func dispatch(to sessions: inout SessionRegistry) {
        guard !pending.isEmpty else { return }
        switch pending.take() {
        case .anyTube:
            let waiting = sessions.waiters.sessions
            serve(waiting.unserved(after: 0, atMost: waiting.count).sessions, for: nil, &sessions)
        case .tubes(let tubes):
            for (tube, tasks) in tubes {
                let waiting = sessions.waiters.sessions.unserved(for: tube, atMost: min(tasks, room.serves + 1))
                serve(waiting, for: nil, &sessions)
            }
        }
    }

    /// Adds claims for sessions that were woken, as many as the batch has room for.
    mutating func serveWoken(of sessions: inout SessionRegistry) {
        guard !sessions.waiters.wakes.isEmpty else { return }
        // The commands that have arrived need room too.
        let bodies = room.bodies
        room.bodies = (bodies + 1) / 2
        defer { room.bodies += bodies / 2 }

        serve(sessions.waiters.wakes.takeSessions(), for: nil, &sessions)
        for (tube, count) in sessions.waiters.wakes.takeTubes() {
            guard room.hasServes else {
                sessions.waiters.wakes.postpone(tube, count)
                continue
            }
            let most = min(count, room.serves, room.bodies)
            serve(sessions.waiters.sessions.unserved(for: tube, atMost: most), for: tube, &sessions)
            sessions.waiters.wakes.tries(tube, count)
        }
        guard room.hasServes, let from = sessions.waiters.wakes.nextOfRound() else { return }
        let most = min(room.serves, room.bodies)
        let (next, rest) = sessions.waiters.sessions.unserved(after: from, atMost: most)
        serve(next, for: nil, &sessions)
        sessions.waiters.wakes.servedRound(upTo: rest)
    }

    /// Adds claims for sessions that wait and are not served yet, as far as the batch has room.
    ///
    /// - Parameters:
    ///   - waiting: the sessions.
    ///   - tube: the tube for which they were woken, if it is known.
    ///   - sessions: all sessions.
    private mutating func serve(_ waiting: [Session], for tube: TubeName?, _ sessions: inout SessionRegistry) {
        for session in waiting where session.wait?.isBeingServed == false {
            guard room.hasServes else {
                sessions.waiters.unserved = .possible
                return
            }
            room.serves -= 1
            room.bodies -= 1
            session.setBeingServed(true)
            batch.addWaitingClaim()
            append(.claim(tubes: session.claimTubes, count: 1, waits: true), .serve(for: tube), for: session)
        }
    }
}
