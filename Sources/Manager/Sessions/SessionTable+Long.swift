internal import BeanstalkWire
internal import TaskStore

/// Work that may concern many rows and is done in steps: the ends of sessions, claims whose time is over, and commands
/// such as `kick`. Each step is durable by itself.
extension SessionTable {
    // The end of a session.

    /// Adds as many ends of sessions as the batch has room for.
    mutating func addEnds() {
        guard !ended.isEmpty else { return }
        let sessions = takeEnded()
        for (index, session) in sessions.enumerated() {
            guard room.endedRows > 0 else {
                return endLater(sessions[index...])
            }
            addEnd(of: session)
        }
    }

    private mutating func addEnd(of session: Session) {
        // In the order in which beanstalkd leaves them (ms_clear in ms.c), which decides the order of list-tubes if
        // several tubes end with the session.
        let watches = session.referredWatches
        for tube in watches.prefix(1) + watches.dropFirst().reversed() {
            guard room.endedRows > 0 else {
                steps.append(Step(session: session, kind: .endLater))
                wasCut = true
                return
            }
            room.endedRows -= 1
            addReferral(tube, watching: -1, for: session)
        }
        if let tube = session.referredUse { addReferral(tube, using: -1, for: session) }
        var known = 0
        if !session.isNamed || session.hasQuit, session.claims.count <= Batch.mostRows {
            known = session.claims.count
            for claim in session.claims.values { owe(claim.tube) }
        }
        session.letGoOfAll()
        room.endedRows -= 2 + known
        add(session.isNamed && session.hasQuit ? .giveBackAll : .giveBack, .giveBack(known: known), for: session)
    }

    // Claims whose time is over.

    /// Adds the ends of as many claims as the batch has room for.
    mutating func addTimeouts(at now: Moment) {
        while room.expiries > 0, let session = timeouts.popDue(at: now.instant) { addTimeouts(of: session, at: now) }
        // There may be more: a session that has more such claims is scheduled again only after the batch.
        hasOverdue = room.expiries <= 0
        if hasOverdue { wasCut = true }
    }

    private mutating func addTimeouts(of session: Session, at now: Moment) {
        guard !session.hasEnded else { return }
        room.expiries -= 1
        if let retryAt = session.retryAt, retryAt <= now.instant {
            session.retryAt = nil
            markReady(session)
        }
        if let wait = session.wait, !wait.isBeingServed {
            if session.isDeadlineSoon(at: now.instant) {
                endWait(of: session, with: .deadlineSoon)
            } else if let deadline = wait.deadline, deadline <= now.instant {
                endWait(of: session, with: .timedOut)
            }
        }
        let overdue = session.takeOverdue(at: now.instant, atMost: max(1, room.expiries))
        guard !overdue.isEmpty else { return timeouts.schedule(session) }
        room.expiries -= overdue.count
        for task in overdue {
            add(.expire(task), .expire(task), for: session)
            if let claim = session.claims[task] { owe(claim.tube) }
        }
        // The session is scheduled again when these claims are known to be over.
    }

    // Commands.

    /// Begins a command on many rows; the session's other commands wait until all steps are done.
    mutating func begin(_ work: LongCommand.Work, for session: Session) {
        session.longCommand = LongCommand(work)
        addStep(for: session)
    }

    /// Adds the next step of the session's long command, or leaves it for the next batch if this one has no room.
    mutating func addStep(for session: Session) {
        guard room.rows > 0 || session.longCommand?.needsRows == false else {
            wasCut = true
            return markReady(session)
        }
        guard let action = session.longCommand?.nextStep(atMost: room.rows) else { return }
        payOwed()
        add(action, .long, for: session)
        let asked = session.longCommand?.asked ?? 0
        room.rows -= asked
        if case .kick(let tube, _, _) = action { oweKicked(asked, of: tube) }
        // More steps follow, and the sockets are read before them.
        wasCut = true
    }

    /// Notes that tasks of a tube will be kicked, perhaps fewer than asked for.
    mutating func oweKicked(_ tasks: Int, of tube: TubeName) {
        owe(tube, tasks: min(tasks, Self.servedAtOnce))
    }
}
