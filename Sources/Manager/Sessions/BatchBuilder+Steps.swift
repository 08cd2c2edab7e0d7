internal import BeanstalkWire
internal import TaskStore

/// Work that may concern many rows and is done in steps: the ends of sessions, claims whose time is over, and commands
/// such as `kick`. Each step is durable by itself.
extension BatchBuilder {
    // The end of a session.

    /// Adds as many ends of sessions as the batch has room for.
    mutating func addEnds(from sessions: inout SessionRegistry) {
        guard !sessions.ended.isEmpty else { return }
        let ended = sessions.takeEnded()
        for (index, session) in ended.enumerated() {
            guard room.endedRows > 0 else {
                sessions.endLater(ended[index...])
                return batch.leave(.commands)
            }
            addEnd(of: session, sessions)
        }
    }

    private mutating func addEnd(of session: Session, _ sessions: SessionRegistry) {
        // In the order in which beanstalkd leaves them (ms_clear in ms.c), which decides the order of list-tubes if
        // several tubes end with the session.
        let watches = session.counted.watched
        for tube in watches.prefix(1) + watches.dropFirst().reversed() {
            guard room.endedRows > 0 else {
                batch.entries.append(BatchEntry(session: session, kind: .endLater))
                return batch.leave(.commands)
            }
            room.endedRows -= 1
            append(countOf: tube, watching: -1, for: session)
        }
        if let tube = session.counted.used { append(countOf: tube, using: -1, for: session) }
        let endsNamedSession = session.isNamed && session.hasQuit
        var known = 0
        if !session.isNamed || endsNamedSession, session.claims.count <= Batch.mostRows {
            known = session.claims.count
            for claim in session.claims.byTask.values { notePending(1, of: claim.tube, sessions) }
        }
        session.claims = SessionClaims()
        room.endedRows -= 2 + known
        append(
            .disconnect(releasing: endsNamedSession ? .allClaims : .ownClaims),
            .disconnect(known: known),
            for: session
        )
    }

    // Claims whose time is over.

    /// Adds the ends of as many claims as the batch has room for.
    mutating func addTimeouts(from sessions: inout SessionRegistry, at now: Moment) {
        while room.expiries > 0, let session = sessions.timeouts.popDue(at: now.instant) {
            addTimeouts(of: session, &sessions, at: now)
        }
        // There may be more: a session that has more such claims is scheduled again only after the batch.
        if room.expiries <= 0 { batch.leave(.overdueClaims) }
    }

    private mutating func addTimeouts(of session: Session, _ sessions: inout SessionRegistry, at now: Moment) {
        guard !session.hasEnded else { return }
        room.expiries -= 1
        if let retryAt = session.retryAt, retryAt <= now.instant {
            session.tryAgain()
            sessions.markReady(session)
        }
        if let wait = session.wait, !wait.isBeingServed {
            if session.claims.isDeadlineSoon(at: now.instant) {
                sessions.endWait(of: session, with: .deadlineSoon)
            } else if let deadline = wait.deadline, deadline <= now.instant {
                sessions.endWait(of: session, with: .timedOut)
            }
        }
        let overdue = session.claims.takeOverdue(at: now.instant, atMost: max(1, room.expiries))
        guard !overdue.isEmpty else { return sessions.timeouts.schedule(session) }
        room.expiries -= overdue.count
        for task in overdue {
            append(.expire(task), .expire(task), for: session)
            if let claim = session.claims[task] { notePending(1, of: claim.tube, sessions) }
        }
        // The session is scheduled again when these claims are known to be over.
    }

    // Commands.

    /// Begins a command on many rows; the session's other commands wait until all steps are done.
    mutating func begin(_ work: LongCommand.Work, for session: Session, _ sessions: inout SessionRegistry) {
        session.begin(LongCommand(work))
        addStep(for: session, &sessions)
    }

    /// Adds the next step of the session's long command, or leaves it for the next batch if this one has no room.
    mutating func addStep(for session: Session, _ sessions: inout SessionRegistry) {
        // More steps follow, and the sockets are read before them.
        batch.leave(.commands)
        guard room.rows > 0 || session.longCommand?.needsRows == false else { return sessions.markReady(session) }
        guard let action = session.nextStep(atMost: room.rows) else { return }
        add(action, .long, for: session, &sessions)
        room.rows -= session.longCommand?.asked ?? 0
    }
}
