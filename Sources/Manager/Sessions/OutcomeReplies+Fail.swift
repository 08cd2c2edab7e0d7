internal import BeanstalkWire
internal import TaskStore

/// What becomes of commands whose batch has failed.
extension OutcomeReplies {
    /// Notes that a batch failed as a whole and changed nothing, or that its outcome is unknown.
    ///
    /// Commands are answered with an error. If the outcome is unknown, their connections are closed instead. A session
    /// whose tubes could not be stored is closed, since it would put into the wrong tubes (protocol.txt allows this "as
    /// a last resort"); a new session is only counted later. The ends of claims and of sessions are tried again.
    ///
    /// - Parameters:
    ///   - batch: the batch.
    ///   - answer: ``Reply/outOfMemory`` or ``Reply/internalError``; `nil` if the outcome is unknown.
    ///   - sessions: the sessions.
    ///   - now: the time for which the batch was made.
    func fail(_ batch: inout BuiltBatch, with answer: Reply?, to sessions: inout SessionRegistry, at now: Moment) {
        for index in batch.entries.indices {
            fail(batch.entries[index], with: answer, of: &batch, &sessions, at: now)
        }
    }

    func fail(
        _ entry: BatchEntry,
        with answer: Reply?,
        of batch: inout BuiltBatch,
        _ sessions: inout SessionRegistry,
        at now: Moment
    ) {
        let session = entry.session
        switch entry.kind {
        case .answer(let known, let verb):
            if let verb { sessions.counters[verb] += 1 }
            // The client would take an answer behind an unanswered command for the answer to that command.
            if answer != nil || session.closing < .now { sessions.reply(known, to: session) }
        case .command(let boxed):
            sessions.counters[boxed.command.verb] += 1
            refuse(session, with: answer, &sessions)
        case .put(let verb), .store(let verb, _):
            sessions.counters[verb] += 1
            refuse(session, with: answer, &sessions)
        case .reserve(let timeout, let count, _):
            sessions.counters[Command(reserveFor: timeout).verb] += count
            for _ in 0..<count { refuse(session, with: answer, &sessions) }
            sessions.waiters.abandon(session.claimTubes)
        case .serve:
            session.setBeingServed(false)
            sessions.timeouts.schedule(session)
            // The tasks for which it was woken are still there, or come with the work that is tried again.
            sessions.waiters.wakeAll()
        case .countUse(_, using: 1, watching: 1) where answer != nil:
            // The session's first operation, which no command has asked for: its next batch tries it again.
            session.beginUseAgain()
        case .countUse:
            if !session.hasEnded {
                refuse(session, with: answer, &sessions)
                sessions.hangUp(session)
            }
        case .long:
            failStep(of: session, with: answer, &sessions)
        case .expire(let task):
            session.claims.expireAgain(task)
            sessions.timeouts.schedule(session, notBefore: now.instant + .seconds(1))
        case .disconnect, .endLater:
            sessions.endLater([session])
            batch.leave(.commands)
        }
    }

    private func failStep(of session: Session, with answer: Reply?, _ sessions: inout SessionRegistry) {
        if let long = session.longCommand {
            session.endLongCommand()
            sessions.auditEnd(of: long, after: nil, session)
            sessions.counters[long.verb] += 1
            refuse(session, with: answer.map(long.unfinished), &sessions)
            // It may have claims that it has not brought to the named session. Only its end releases them.
            if case .attach = long.work, !long.isAtStart { sessions.hangUp(session) }
        }
        sessions.markReady(session)
    }

    /// Returns the answer to a command that has changed nothing; `nil` if that is not known.
    static func answer(toUndone code: StoreError.Code) -> Reply? {
        switch code {
        case .full: .outOfMemory
        case .unknown: nil
        default: .internalError
        }
    }

    private func refuse(_ session: Session, with answer: Reply?, _ sessions: inout SessionRegistry) {
        if let answer {
            sessions.reply(answer, to: session)
        } else {
            sessions.hangUp(session)
        }
    }
}
