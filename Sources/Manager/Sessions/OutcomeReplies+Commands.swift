internal import BeanstalkWire
internal import TaskStore

/// Commands that concern the session itself, commands in steps, and the ends of sessions.
extension OutcomeReplies {
    mutating func applyCommand(
        _ command: Command,
        _ outcome: Outcome,
        of operation: Int,
        _ session: Session,
        _ batch: borrowing BuiltBatch,
        _ sessions: inout SessionRegistry,
        at now: Moment
    ) {
        guard !outcome.isNotRun else { return deferred.append((session, .command(command))) }
        sessions.counters[command.verb] += 1
        if session.principal != nil {
            sessions.audit(session, command.verb, batch.operations[operation].action, outcome)
        }
        if case .kick = command { wakeForKicked(outcome, session.usedTube, &sessions) }
        sessions.reply(answer(to: command.verb, outcome, session, &sessions, at: now), to: session)
    }

    /// Applies a step of a command on many rows.
    func applyStep(_ outcome: Outcome, _ session: Session, _ sessions: inout SessionRegistry, at now: Moment) {
        sessions.markReady(session)
        guard let long = session.longCommand else { return }
        switch long.work {
        case .clear: break
        case .kick(let tube, _), .move(_, let tube, .pending, _): wakeForKicked(outcome, tube, &sessions)
        case .move: break
        case .endSession: wakeForEndedSession(outcome, &sessions)
        case .attach(let name): applyAttach(outcome, name, session, isFirst: long.isAtStart, &sessions, at: now)
        }
        guard let answer = session.finishStep(outcome) else { return }
        sessions.counters[long.verb] += 1
        sessions.auditEnd(of: long, after: outcome, session)
        sessions.reply(answer, to: session)
        guard case .superseded = outcome else { return }
        // It may have claims that it has not brought to the named session. Only its end releases them.
        session.claims = SessionClaims()
        sessions.hangUp(session)
    }

    /// Notes a step of attaching to a named session.
    ///
    /// - Parameters:
    ///   - outcome: the step's outcome.
    ///   - name: the session's name.
    ///   - session: the connection's session.
    ///   - isFirst: whether it is the first step.
    ///   - sessions: all sessions.
    ///   - now: the time when the answers leave.
    private func applyAttach(
        _ outcome: Outcome,
        _ name: SessionName,
        _ session: Session,
        isFirst: Bool,
        _ sessions: inout SessionRegistry,
        at now: Moment
    ) {
        guard case .attached(let claims, _) = outcome else { return }
        if isFirst {
            // The former session of this manager may be waiting. It gets its answer when its claim is tried.
            sessions.waiters.wake(named: name)
            session.attach(to: name)
        }
        hold(claims, session, &sessions, at: now)
    }

    /// Gives the connection claims of its named session.
    ///
    /// Without room for all of them it knows only some. The store ends the others when their time is over, and a client
    /// gets no `DEADLINE_SOON` for them.
    private func hold(
        _ claims: [HeldClaim],
        _ session: Session,
        _ sessions: inout SessionRegistry,
        at now: Moment
    ) {
        let known = claims.prefix(sessions.claimsAllowed(for: session))
        sessions.claimsLeft -= known.count
        for claim in known {
            let deadline = now.instant + .milliseconds(claim.timeLeft)
            session.claims.add(claim.id, .init(deadline: deadline, timeToRun: claim.timeToRun, tube: claim.tube))
        }
        sessions.timeouts.schedule(session)
    }

    /// Wakes sessions if more tasks were kicked or moved than sessions were served.
    private func wakeForKicked(_ outcome: Outcome, _ tube: TubeName, _ sessions: inout SessionRegistry) {
        switch outcome {
        case .kicked(let count), .moved(let count):
            if count > BatchBuilder.servedAtOnce { sessions.waiters.wake([tube]) }
        default: break
        }
    }

    /// Wakes sessions for the claims of a named session that was ended, and the connection that was attached to it.
    private func wakeForEndedSession(_ outcome: Outcome, _ sessions: inout SessionRegistry) {
        guard case .ended(let count) = outcome else { return }
        // The tubes of its claims are not known. Its connection may wait here, and is told that it is superseded.
        if count > 0 { sessions.waiters.unserved = .possible }
        sessions.waiters.wakeAllNamed()
    }

    /// Applies the end of a session, or a step of it.
    func applyDisconnect(
        _ outcome: Outcome,
        known: Int,
        _ session: Session,
        _ batch: inout BuiltBatch,
        _ sessions: inout SessionRegistry
    ) {
        guard case .disconnected(let count) = outcome else { return }
        // The tubes of the other claims are not known. Only the store knows a claim that ran while the connection
        // ended.
        if count > known { sessions.waiters.unserved = .possible }
        guard count == Batch.mostRows else { return }
        sessions.endLater([session])
        batch.leave(.commands)
    }
}
