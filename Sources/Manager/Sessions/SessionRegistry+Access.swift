internal import Access
internal import BeanstalkWire
internal import TaskStore

/// What changes with the rights of sessions, and the audit of operators.
extension SessionRegistry {
    /// Gives a session other rights, because the tokens file was read again.
    ///
    /// A `reserve` that waits goes on to wait for the tubes from which the principal may reserve now. Call it only if no
    /// batch is being built or run.
    mutating func setPrincipal(_ principal: Principal, of session: Session) {
        guard let wait = session.wait else { return session.setPrincipal(principal) }
        waiters.remove(session)
        session.setPrincipal(principal)
        if session.claimTubes.isEmpty {
            reply(.forbidden, to: session)
            if !session.queue.isEmpty || session.closing == .afterQueue { markReady(session) }
        } else {
            waiters.add(session, until: wait.deadline)
            waiters.wakes.wake(session)
        }
    }

    /// Notes a command that the store has carried out, if it is an operator's and has changed something.
    ///
    /// Call it before the session's claim is noted: a delete of a task that the session holds is not an operator's.
    mutating func audit(_ session: Session, _ verb: Verb, _ action: Action, _ outcome: Outcome) {
        let isHeld = action.task.map { session.claims[$0] != nil } ?? false
        guard verb.right == .admin || verb == .delete && !isHeld, let done = outcome.audited else { return }
        audit(session, verb, action.auditSubject, done)
    }

    /// Notes the end of a command in steps, if it has changed something.
    ///
    /// - Parameters:
    ///   - command: the command before its last step.
    ///   - outcome: the outcome of that step; `nil` if the step has failed.
    ///   - session: the session.
    mutating func auditEnd(of command: LongCommand, after outcome: Outcome?, _ session: Session) {
        var count = command.done
        switch outcome {
        case .cleared(let more), .kicked(let more), .moved(let more), .ended(let more): count += more
        default: break
        }
        // A session without claims has ended too.
        let hasEnded = if case .ended = outcome { true } else { false }
        if count > 0 || hasEnded { audit(session, command.verb, command.auditSubject, .count(count)) }
    }

    private mutating func audit(
        _ session: Session,
        _ verb: Verb,
        _ subject: AuditEntry.Subject?,
        _ outcome: AuditEntry.Outcome
    ) {
        guard let principal = session.principal, let subject else { return }
        auditEntries.append(
            AuditEntry(
                principal: principal.name,
                address: session.connection?.origin.address ?? "closed",
                verb: verb,
                subject: subject,
                outcome: outcome
            )
        )
    }

    /// Removes and returns the commands of operators that are not in the log yet.
    mutating func takeAudit() -> [AuditEntry] {
        defer { auditEntries.removeAll() }
        return auditEntries
    }
}
