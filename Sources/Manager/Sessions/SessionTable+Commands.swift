internal import BeanstalkWire
internal import DequeModule
internal import TaskStore

/// The operations for each command, and the answers that need no store.
extension SessionTable {
    /// Adds the first request of the session's queue and removes it, or leaves it there if it has to wait for another
    /// batch.
    ///
    /// - Returns: whether the next request may be tried in this batch; `false` if there is none.
    mutating func addFirstRequest(of session: Session, _ progress: inout Progress, at now: Moment) -> Bool {
        // The request is removed and, rarely, put back, so that its body is moved and not copied.
        guard let request = session.queue.popFirst() else { return false }
        if progress.mayWait, !request.canFollowWait(isDraining: isDraining) {
            session.queue.prepend(request)
            return false
        }
        switch consume request {
        case .refused(let reply, let verb):
            if reply == .expectedCRLF { markProducer(session) }
            progress.commands += 1
            steps.append(Step(session: session, kind: .answer(reply, verb: verb)))
            return true
        case .command(.put(let priority, let delay, let timeToRun, let body, let key)):
            progress.commands += 1
            // With a key it may meet a lock.
            if key != nil { progress.mayWait = true }
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
                isHeavy: progress.isHeavy
            )
            return true
        case .command(.store(.delete, .delete(let task))):
            // Most of these commands are deletes: without a copy of the action it costs 150 instructions less.
            progress.commands += 1
            progress.mayWait = true
            payOwed()
            add(.delete(task), .store(.delete, claim: task), for: session)
            return true
        case .command(.store(let verb, let action)):
            let traits = verb.traits
            if traits.looksAtAllTubes, !takeRoomForList() {
                session.queue.prepend(.command(.store(verb, action)))
                return false
            }
            if case .claimTask = action {
                guard claimsAllowed(for: session) > progress.claims else {
                    return refuseClaim(.store(verb, action), of: session, &progress)
                }
                progress.claims += 1
                claimsLeft -= 1
            }
            progress.commands += 1
            if traits.mayAnswerWithBody { progress.bodies += 1 }
            if action.mayMeetLock { progress.mayWait = true }
            if traits.answersWithList { progress.bodies = max(progress.bodies, progress.share.bodies) }
            // The command might see or take the tasks of waiting sessions; a put does neither.
            payOwed()
            oweFor(action, of: session)
            add(action, .store(verb, claim: action.claimedTask), for: session)
            return true
        case .command(let command):
            switch command {
            case .reserve, .reserveWithTimeout:
                return addReserve(command, of: session, &progress, at: now)
            default:
                // A command that is carried out in steps cannot be held back behind a claim that has to wait.
                if case .kick(let bound) = command, progress.mayWait, Int(bound) > room.rows {
                    session.queue.prepend(.command(command))
                    return false
                }
                let traits = command.verb.traits
                progress.commands += 1
                if traits.mayAnswerWithBody { progress.bodies += 1 }
                if traits.answersWithList {
                    progress.bodies = max(progress.bodies, progress.share.bodies)
                }
                add(command, of: session)
                return !traits.endsBatch && session.longCommand == nil
            }
        }
    }

    /// Takes the room for one look at all tubes from the batch.
    ///
    /// - Returns: `false` if there is none left; then the command waits for the next batch.
    private mutating func takeRoomForList() -> Bool {
        guard room.lists > 0 else {
            wasCut = true
            return false
        }
        room.lists -= 1
        return true
    }

    /// Adds a `reserve` that was removed from the queue, and the same commands that follow it there.
    private mutating func addReserve(
        _ command: Command,
        of session: Session,
        _ progress: inout Progress,
        at now: Moment
    ) -> Bool {
        let isDeadlineSoon = session.isDeadlineSoon(at: now.instant)
        // An earlier command of this batch may end the claim that is near its deadline: check again when that is known.
        if isDeadlineSoon, progress.commands > 0 {
            session.queue.prepend(.command(command))
            return false
        }

        let most = claimsAllowed(for: session) - progress.claims
        guard most > 0 else { return refuseClaim(command, of: session, &progress) }

        var waits = !isDeadlineSoon
        // A half-closed connection does not wait (protocol.txt, "reserve").
        if case .reserveWithTimeout(seconds: 0) = command { waits = false }
        if session.closing == .afterQueue { waits = false }

        var count = 1
        while !session.queue.isEmpty, session.queue[0].repeats(command), count < most,
            progress.bodies + count < progress.share.bodies
        {
            session.queue.removeFirst()
            count += 1
        }
        claimsLeft -= count
        progress.claims += count
        progress.bodies += count
        progress.commands += count
        payOwed()
        markWorker(session)
        add(
            .claim(tubes: session.watchedTubes, count: count, waits: waits),
            .reserve(timeout: command.timeout, count: count, waits: waits),
            for: session
        )
        if waits {
            progress.mayWait = true
            claimMayWait = true
        }
        return true
    }

    /// Refuses a command that was removed from the queue, since there is no room for another claim.
    ///
    /// - Returns: `false` if it was put back, since the answer would overtake that of a claim that may wait.
    private mutating func refuseClaim(_ command: Command, of session: Session, _ progress: inout Progress) -> Bool {
        guard !progress.mayWait else {
            session.queue.prepend(.command(command))
            return false
        }
        progress.commands += 1
        answer(.outOfMemory, to: session, as: command)
        return true
    }

    private mutating func add(_ command: Command, of session: Session) {
        // All commands here might see or take the tasks of waiting sessions; a put does neither.
        payOwed()
        switch command {
        case .put, .reserve, .reserveWithTimeout, .store:
            break  // They have been told apart by addFirstRequest(of:_:at:).
        case .use(let tube):
            if tube != session.usedTube {
                addReferral(tube, using: 1, for: session)
                addReferral(session.usedTube, using: -1, for: session)
                session.usedTube = tube
            }
            answer(.using(tube), to: session, as: command)
        case .watch(let tube):
            if !session.watchedTubes.contains(tube) {
                let watched = session.watchedTubes.count
                let more = MemoryBudget.more(than: watched, allowed: MemoryBudget.watchesAllowed, left: watchesLeft)
                guard watched < limits.watchedTubes, more > 0 else {
                    return answer(.outOfMemory, to: session, as: command)
                }
                watchesLeft -= 1
                addReferral(tube, watching: 1, for: session)
                session.watchedTubes.append(tube)
            }
            answer(.watching(session.watchedTubes.count), to: session, as: command)
        case .ignore(let tube):
            addIgnore(tube, of: session)
        case .peekNext(let state):
            add(.peekNext(session.usedTube, state), .command(.init(command)), for: session)
        case .kick(let bound):
            let bound = Int(bound)
            guard bound <= room.rows else { return begin(.kick(session.usedTube, bound: bound), for: session) }
            room.rows -= bound
            add(.kick(session.usedTube, bound: bound), .command(.init(command)), for: session)
            oweKicked(bound, of: session.usedTube)
        case .listTubeUsed:
            answer(.using(session.usedTube), to: session, as: command)
        case .listTubesWatched:
            answer(.ok(StatisticsText.list(session.watchedTubes)), to: session, as: command)
        case .quit:
            session.hasQuit = true
            session.closing = .afterQueue
            session.queue.removeAll()
            session.queuedBytes = 0
            markReady(session)
        case .session(let name):
            begin(.takeUp(name), for: session)
        case .clearTube(let tube, let state):
            begin(.clear(tube, state), for: session)
        }
    }

    /// Notes that waiting sessions get the tasks that an action makes pending, or allows to be claimed.
    private mutating func oweFor(_ action: Action, of session: Session) {
        switch action {
        case .release(let task, _, delay: 0):
            // A claim of this batch is not known yet.
            if let claim = session.claims[task] { owe(claim.tube) } else { oweEveryone() }
        case .kickTask, .pause(_, seconds: 0): oweEveryone()
        default: break
        }
    }

    private mutating func addPut(_ task: consuming NewTask, of session: Session, isHeavy: Bool) {
        let verb: Verb = task.key == nil ? .put : .putUnique
        let size = task.body.count
        session.queuedBytes -= size
        room.bytes -= size
        if isHeavy { room.heavyBytes -= size }
        guard !isDraining else {
            markProducer(session)
            return steps.append(Step(session: session, kind: .answer(.draining, verb: verb)))
        }
        // Looked at here, since the call alone costs 20 instructions per put.
        if task.delay == 0, waiting > 0 || claimMayWait { owe(task.tube) }
        add(.put(consume task), .put(verb), for: session)
    }

    private mutating func addIgnore(_ tube: TubeName, of session: Session) {
        guard let index = session.watchedTubes.firstIndex(of: tube) else {
            return answer(.watching(session.watchedTubes.count), to: session, as: .ignore(tube))
        }
        guard session.watchedTubes.count > 1 else { return answer(.notIgnored, to: session, as: .ignore(tube)) }
        addReferral(tube, watching: -1, for: session)
        // beanstalkd fills the gap with the last tube, and clients see the order in list-tubes-watched (ms.c).
        session.watchedTubes.swapAt(index, session.watchedTubes.count - 1)
        session.watchedTubes.removeLast()
        answer(.watching(session.watchedTubes.count), to: session, as: .ignore(tube))
    }

    mutating func addReferral(_ tube: TubeName, using: Int = 0, watching: Int = 0, for session: Session) {
        add(
            .refer(tube, using: using, watching: watching),
            .refer(tube, using: using, watching: watching),
            for: session
        )
    }

    private mutating func answer(_ reply: Reply, to session: Session, as command: Command) {
        steps.append(Step(session: session, kind: .answer(reply, verb: command.verb)))
    }

    mutating func markProducer(_ session: Session) {
        guard !session.isProducer else { return }
        session.isProducer = true
        if session.isCounted { producers += 1 }
    }

    mutating func markWorker(_ session: Session) {
        guard !session.isWorker else { return }
        session.isWorker = true
        if session.isCounted { workers += 1 }
    }
}
