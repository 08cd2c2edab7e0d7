internal import BeanstalkWire
internal import TaskStore

/// From the requests of a session's queue to operations.
extension BatchBuilder {
    /// Adds the first request of the session's queue and removes it, or leaves it there if it has to wait for another
    /// batch.
    ///
    /// - Returns: whether the next request may be tried in this batch; `false` if there is none.
    mutating func addFirstRequest(
        of session: Session,
        _ share: inout SessionShare,
        _ sessions: inout SessionRegistry,
        at now: Moment
    ) -> Bool {
        // The request is removed and, rarely, put back, so that its body is moved and not copied.
        guard let request = session.queue.popFirst() else { return false }
        if share.mayWait, !request.canFollowWait(isDraining: sessions.isDraining) {
            session.queue.putBack(request)
            return false
        }
        if session.principal != nil, case .command(let command) = request, let answer = refusal(of: command, session) {
            // The answer would overtake that of a command that waits.
            guard !share.mayWait else {
                session.queue.putBack(request)
                return false
            }
            session.queue.forgetBody(of: request.bodySize)
            share.use()
            append(answer: answer, verb: command.verb, to: session)
            return true
        }
        switch consume request {
        case .refused(let reply, let verb):
            if reply == .expectedCRLF { sessions.markProducer(session) }
            share.use()
            append(answer: reply, verb: verb, to: session)
            return true
        case .command(.put(let priority, let delay, let timeToRun, let body, let key)):
            share.use()
            // With a key it may meet a lock.
            if key != nil { share.mayWait = true }
            addPut(
                NewTask(
                    tube: session.usedTube,
                    priority: priority,
                    delay: delay,
                    timeToRun: timeToRun,
                    body: body,
                    key: key
                ),
                of: session,
                isHeavy: share.isHeavy,
                &sessions
            )
            return true
        case .command(.store(.delete, .delete(let task))):
            // Most of these commands are deletes: without a copy of the action it costs 150 instructions less.
            share.use()
            share.mayWait = true
            if !pending.isEmpty { dispatch(to: &sessions) }
            let access = session.accessFilter(for: .delete)
            append(.delete(task), .store(.delete, claim: task), for: session, access: access)
            return true
        case .command(.store(let verb, let action)):
            return addStoreCommand(verb, action, of: session, &share, &sessions)
        case .command(let command):
            switch command {
            case .reserve, .reserveWithTimeout:
                return addReserve(command, of: session, &share, &sessions, at: now)
            default:
                return addCommand(command, of: session, &share, &sessions)
            }
        }
    }

    private mutating func addPut(
        _ task: consuming NewTask,
        of session: Session,
        isHeavy: Bool,
        _ sessions: inout SessionRegistry
    ) {
        let verb: Verb = task.key == nil ? .put : .putUnique
        let size = task.body.count
        session.queue.forgetBody(of: size)
        room.bytes -= size
        if isHeavy { room.heavyBytes -= size }
        guard !sessions.isDraining else {
            sessions.markProducer(session)
            return append(answer: .draining, verb: verb, to: session)
        }
        // Looked at here, since the call alone costs 20 instructions per put.
        if task.delay == 0, sessions.waiters.count > 0 || batch.mayWait { notePending(1, of: task.tube, sessions) }
        append(.put(consume task), .put(verb), for: session)
    }

    /// Adds a command that the store carries out alone.
    private mutating func addStoreCommand(
        _ verb: Verb,
        _ action: Action,
        of session: Session,
        _ share: inout SessionShare,
        _ sessions: inout SessionRegistry
    ) -> Bool {
        let traits = verb.traits
        if traits.looksAtAllTubes, !takeRoomForList() {
            session.queue.putBack(.command(.store(verb, action)))
            return false
        }
        if case .claimTask = action {
            guard sessions.claimsAllowed(for: session) > share.claims else {
                return refuseClaim(.store(verb, action), of: session, &share)
            }
            share.claims += 1
            sessions.claimsLeft -= 1
        }
        if verb == .inspect {
            // The commands of this session behind it come in another batch, and so do other inspections.
            guard !batch.inspects else {
                batch.leave(.commands)
                session.queue.putBack(.command(.store(verb, action)))
                return false
            }
            batch.inspects = true
        }
        share.use(for: traits)
        if action.mayMeetLock { share.mayWait = true }
        let access = session.accessFilter(for: verb)
        add(action, .store(verb, claim: action.claimedTask), for: session, access: access, &sessions)
        return !traits.endsBatch
    }

    /// Takes the room for one look at all tubes from the batch.
    ///
    /// - Returns: `false` if there is none left; then the command waits for the next batch.
    private mutating func takeRoomForList() -> Bool {
        guard room.lists > 0 else {
            batch.leave(.commands)
            return false
        }
        room.lists -= 1
        return true
    }

    /// Adds a `reserve` that was removed from the queue, and the same commands that follow it there.
    private mutating func addReserve(
        _ command: Command,
        of session: Session,
        _ share: inout SessionShare,
        _ sessions: inout SessionRegistry,
        at now: Moment
    ) -> Bool {
        let isDeadlineSoon = session.claims.isDeadlineSoon(at: now.instant)
        // An earlier command of this batch may end the claim that is near its deadline: check again when that is known.
        if isDeadlineSoon, share.usedCommands > 0 {
            session.queue.putBack(.command(command))
            return false
        }

        let most = sessions.claimsAllowed(for: session) - share.claims
        guard most > 0 else { return refuseClaim(command, of: session, &share) }

        var waits = !isDeadlineSoon
        // A half-closed connection does not wait (protocol.txt, "reserve").
        if case .reserveWithTimeout(seconds: 0) = command { waits = false }
        if session.closing == .afterQueue { waits = false }

        let count = 1 + session.queue.takeRepeats(of: command, atMost: min(most, share.bodiesLeft) - 1)
        sessions.claimsLeft -= count
        share.claims += count
        share.useForBodies(count)
        sessions.markWorker(session)
        add(
            .claim(tubes: session.claimTubes, count: count, waits: waits),
            .reserve(timeout: command.timeout, count: count, waits: waits),
            for: session,
            &sessions
        )
        if waits {
            share.mayWait = true
            batch.addWaitingClaim()
        }
        return true
    }

    /// Refuses a command that was removed from the queue, since there is no room for another claim.
    ///
    /// - Returns: `false` if it was put back, since the answer would overtake that of a claim that may wait.
    private mutating func refuseClaim(_ command: Command, of session: Session, _ share: inout SessionShare) -> Bool {
        guard !share.mayWait else {
            session.queue.putBack(.command(command))
            return false
        }
        share.use()
        append(answer: .outOfMemory, verb: command.verb, to: session)
        return true
    }
}

extension Request {
    /// Returns whether the request can be in a batch behind a claim of the same session that may have to wait.
    ///
    /// - Parameter isDraining: whether puts are refused, which is an answer without the store.
    /// - Returns: `false` if its answer or its effect would come before it is known whether the claim waits.
    fileprivate func canFollowWait(isDraining: Bool) -> Bool {
        switch self {
        case .refused: false
        case .command(.put): !isDraining
        case .command(let command): command.verb.traits.canBeDeferred
        }
    }
}
