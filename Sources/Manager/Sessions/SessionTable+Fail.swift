internal import BeanstalkWire
internal import TaskStore

/// What becomes of commands whose batch has failed.
extension SessionTable {
    /// Notes that the last batch failed as a whole and changed nothing, or that its outcome is unknown.
    ///
    /// Commands are answered with an error. If the outcome is unknown, their connections are closed instead. A session
    /// whose tubes could not be stored is closed, since it would put into the wrong tubes (protocol.txt allows this "as
    /// a last resort"); a new session is only counted later. The ends of claims and of sessions are tried again.
    ///
    /// - Parameters:
    ///   - answer: ``Reply/outOfMemory`` or ``Reply/internalError``; `nil` if the outcome is unknown.
    ///   - now: the time for which the batch was made.
    mutating func fail(with answer: Reply?, at now: Moment) {
        defer { forgetBatch() }
        wakes.endBatch(succeeded: false) { waitingSessions.count(for: $0) > 0 }
        for step in steps { fail(step, with: answer, at: now) }
    }

    mutating func fail(_ step: Step, with answer: Reply?, at now: Moment) {
        let session = step.session
        switch step.kind {
        case .answer(let known, let verb):
            if let verb { counters[verb] += 1 }
            // The client would take an answer behind an unanswered command for the answer to that command.
            if answer != nil || session.closing != .now { reply(known, to: session) }
        case .command(let boxed):
            counters[boxed.command.verb] += 1
            refuse(session, with: answer)
        case .put(let verb), .store(let verb, _):
            counters[verb] += 1
            refuse(session, with: answer)
        case .reserve(let timeout, let count, _):
            counters[Command(reserveFor: timeout).verb] += count
            for _ in 0..<count { refuse(session, with: answer) }
            didNotWait(for: session.watchedTubes)
        case .serve:
            session.wait?.isBeingServed = false
            timeouts.schedule(session)
            // The tasks for which it was woken are still there, or come with the work that is tried again.
            wakeWaiting()
        case .refer(_, using: 1, watching: 1) where answer != nil:
            // The session's first step, which no command has asked for: its next batch tries it again.
            session.opening = true
        case .refer:
            if !session.hasEnded {
                refuse(session, with: answer)
                hangUp(session)
            }
        case .long:
            if let long = session.longCommand {
                session.longCommand = nil
                counters[long.verb] += 1
                refuse(session, with: answer.map(long.unfinished))
                // It may have claims that it has not brought to the named session. Only its end returns them.
                if case .takeUp = long.work, !long.isAtStart { hangUp(session) }
            }
            markReady(session)
        case .expire(let task):
            session.expireAgain(task)
            timeouts.schedule(session, notBefore: now.instant + .seconds(1))
        case .giveBack, .endLater:
            endLater([session])
        }
    }

    /// Returns the answer to a command that has changed nothing; `nil` if that is not known.
    func answer(toUndone code: StoreError.Code) -> Reply? {
        switch code {
        case .full: .outOfMemory
        case .unknown: nil
        default: .internalError
        }
    }

    private mutating func refuse(_ session: Session, with answer: Reply?) {
        if let answer {
            reply(answer, to: session)
        } else {
            hangUp(session)
        }
    }
}
