internal import BeanstalkWire
internal import DequeModule
internal import TaskStore

extension SessionTable {
    /// Turns the outcomes of the last batch into answers.
    ///
    /// - Parameters:
    ///   - outcomes: one for each operation of the batch, in order.
    ///   - late: what became of claims that had to be renewed.
    ///   - now: when the answers leave, from which the time to run of the claims in them counts.
    ///   - tubes: those that sessions await and in which the batch has left more to claim; nil if that is not known.
    ///   - process: what `stats` tells of this process, asked for only where a `stats` is in the batch.
    mutating func apply(
        _ outcomes: [Outcome],
        late: LateClaims? = nil,
        at now: Moment,
        moreToClaim tubes: [TubeName]? = nil,
        process: (SessionTable) -> ProcessStatistics
    ) {
        defer {
            wake(after: tubes)
            forgetBatch()
        }
        var heldBack: [(session: Session, request: Request)] = []
        if let late, !late.isEmpty {
            applyLate(outcomes, late, at: now, &heldBack, process)
        } else {
            var next = 0
            for step in steps {
                guard step.hasOperation else {
                    applyKnown(step)
                    continue
                }
                apply(outcomes[next], of: next, to: step, at: now, &heldBack, process)
                next += 1
            }
        }
        for (session, request) in heldBack.reversed() where !session.hasEnded && session.closing != .now {
            session.queuedBytes += request.bodySize
            session.queue.prepend(request)
            if !session.isWaiting { markReady(session) }
        }
    }

    /// Takes a step that needed no store.
    mutating func applyKnown(_ step: Step) {
        switch step.kind {
        case .answer(let answer, let verb):
            if let verb { counters[verb] += 1 }
            reply(answer, to: step.session)
        case .endLater:
            endLater([step.session])
        default:
            break
        }
    }

    /// Another program's transaction is in the way: the session asks again a little later, and no other session waits with it.
    private mutating func putOff(_ step: Step, at now: Moment) {
        if case .expire = step.kind { return }
        step.session.retryAt = now.instant + Self.pauseForLock
        timeouts.schedule(step.session)
    }

    /// How long what another program has locked is left alone.
    private static let pauseForLock = Duration.milliseconds(20)

    /// The batch is over: what fails before the next one, such as a look at the store, must not be answered to its sessions.
    private mutating func forgetBatch() {
        operations.removeAll(keepingCapacity: true)
        steps.removeAll(keepingCapacity: true)
    }

    /// The last batch failed as a whole and nothing of it has happened, or nobody knows.
    ///
    /// Commands are answered with an error, or, where nobody knows, with the end of the connection; a session whose tubes
    /// could not be written down is closed, since it would put into the wrong ones (protocol.txt allows this "as a last
    /// resort"); what time or an ended connection asked for is tried again.
    ///
    /// - Parameters:
    ///   - answer: ``Reply/outOfMemory`` or ``Reply/internalError``; none where it may have happened.
    ///   - now: the time for which the batch was made.
    mutating func fail(with answer: Reply?, at now: Moment) {
        defer { forgetBatch() }
        wakes.endBatch(succeeded: false) { waitingSessions.count(for: $0) > 0 }
        for step in steps { fail(step, with: answer, at: now) }
    }

    private mutating func fail(_ step: Step, with answer: Reply?, at now: Moment) {
        let session = step.session
        switch step.kind {
        case .answer(let known, let verb):
            if let verb { counters[verb] += 1 }
            // Behind a command that is not answered it would be taken for that one's answer.
            if answer != nil || session.closing != .now { reply(known, to: session) }
        case .command(let command):
            counters[command.verb] += 1
            refuse(session, with: answer)
        case .put(let verb), .store(let verb, _):
            counters[verb] += 1
            refuse(session, with: answer)
        case .reserve(let command, let count, _):
            counters[command.verb] += count
            for _ in 0..<count { refuse(session, with: answer) }
            didNotWait(for: session.watchedTubes)
        case .serve:
            session.wait?.isBeingServed = false
            timeouts.schedule(session)
            // What woke it is still there, or comes with what is tried again.
            wakeWaiting()
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
            }
            markReady(session)
        case .expire(let task):
            session.expireAgain(task)
            timeouts.schedule(session, notBefore: now.instant + .seconds(1))
        case .giveBack, .endLater:
            endLater([session])
        }
    }

    /// The answer to a command of which nothing has happened; nil if that is not known.
    private func answer(toUndone code: StoreError.Code) -> Reply? {
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

    mutating func apply(
        _ outcome: Outcome,
        of operation: Int,
        to step: Step,
        at now: Moment,
        _ heldBack: inout [(session: Session, request: Request)],
        _ process: (SessionTable) -> ProcessStatistics
    ) {
        let session = step.session
        if case .locked = outcome { putOff(step, at: now) }
        if case .undone(let code) = outcome { return fail(step, with: answer(toUndone: code), at: now) }
        switch step.kind {
        case .answer, .endLater:
            break
        case .put(let verb):
            applyPut(outcome, of: operation, verb, session, &heldBack)
        case .store(let verb, let claim):
            switch outcome {
            case .heldBack, .locked:
                return heldBack.append((session, .command(.store(verb, operations[operation].action))))
            default: break
            }
            counters[verb] += 1
            if let claim { noteClaim(on: claim, after: outcome, session, at: now) }
            reply(answer(to: verb, outcome, session, at: now, process), to: session)
        case .command(let command):
            switch outcome {
            case .heldBack, .locked: return heldBack.append((session, .command(command)))
            default: break
            }
            counters[command.verb] += 1
            if case .kick = command { wakeForKicked(outcome, session.usedTube) }
            if case .session(let name) = command, case .tookUp(let claims) = outcome {
                takeUp(name, claims, session, at: now)
            }
            reply(answer(to: command.verb, outcome, session, at: now, process), to: session)
        case .reserve(let command, let count, let waits):
            applyReserve(outcome, command, count: count, waits: waits, session, at: now, &heldBack)
        case .serve(let tube):
            applyServe(outcome, session, for: tube, at: now)
        case .refer(let tube, let using, let watching):
            if using > 0 { session.referredUse = tube }
            if using < 0, session.referredUse == tube { session.referredUse = nil }
            if watching > 0 { session.referredWatches.append(tube) }
            if watching < 0, let index = session.referredWatches.firstIndex(of: tube) {
                session.referredWatches.swapAt(index, session.referredWatches.count - 1)
                session.referredWatches.removeLast()
            }
        case .long:
            applyLong(outcome, session)
        case .expire(let task):
            guard outcome != .locked else {
                session.expireAgain(task)
                return timeouts.schedule(session, notBefore: now.instant + Self.pauseForLock)
            }
            session.letGo(task)
            if case .released = outcome { counters.timeouts += 1 }
            timeouts.schedule(session)
        case .giveBack(let known):
            guard case .givenBack(let count) = outcome else { return }
            // Of many claims it is not known which tubes they are of, and one that ran while the connection ended is known
            // only to the store.
            if count > known { wakes.isUnsure = true }
            if count == Batch.mostRows { endLater([session]) }
        }
    }

    /// The task stays where it is, in the operation, unless the put is held back: tasks are put by the thousand.
    private mutating func applyPut(
        _ outcome: Outcome,
        of operation: Int,
        _ verb: Verb,
        _ session: Session,
        _ heldBack: inout [(session: Session, request: Request)]
    ) {
        let answer: Reply
        switch outcome {
        case .inserted(let task): answer = .inserted(task)
        case .exists(let task): answer = .exists(task)
        case .storageFull: answer = .outOfMemory
        case .heldBack, .locked:
            guard case .put(let task) = operations[operation].action else { return }
            return heldBack.append((session, .command(Command(putting: task))))
        default: answer = .internalError
        }
        markProducer(session)
        counters[verb] += 1
        reply(answer, to: session)
    }

    mutating func applyReserve(
        _ outcome: Outcome,
        _ command: Command,
        count: Int,
        waits: Bool,
        _ session: Session,
        at now: Moment,
        _ heldBack: inout [(session: Session, request: Request)]
    ) {
        if case .displaced = outcome {
            counters[command.verb] += count
            didNotWait(for: session.watchedTubes)
            for _ in 0..<count { reply(.sessionTaken, to: session) }
            return session.letGoOfAll()
        }
        guard case .claimed(let tasks) = outcome else {
            for _ in 0..<count { heldBack.append((session, .command(command))) }
            return
        }
        for task in tasks { hand(task, to: session, at: now) }
        counters[command.verb] += tasks.count
        var unserved = count - tasks.count
        guard unserved > 0 else { return }
        guard waits else {
            counters[command.verb] += unserved
            let answer: Reply = session.isDeadlineSoon(at: now.instant) ? .deadlineSoon : .timedOut
            for _ in 0..<unserved { reply(answer, to: session) }
            return
        }
        counters[command.verb] += 1
        unserved -= 1
        for _ in 0..<unserved { heldBack.append((session, .command(command))) }
        if session.hasEnded || session.closing == .now {
            didNotWait(for: session.watchedTubes)
        } else if session.isDeadlineSoon(at: now.instant) {
            didNotWait(for: session.watchedTubes)
            reply(.deadlineSoon, to: session)
        } else if session.closing == .afterQueue {
            didNotWait(for: session.watchedTubes)
            reply(.timedOut, to: session)
        } else {
            var deadline: ContinuousClock.Instant?
            if case .reserveWithTimeout(let seconds) = command { deadline = now.instant + .seconds(Int64(seconds)) }
            beginWait(of: session, until: deadline)
            if madePendingBehindClaim { wakes.isUnsure = true }
        }
    }

    private mutating func applyLong(_ outcome: Outcome, _ session: Session) {
        markReady(session)
        guard var long = session.longCommand else { return }
        let answer = long.finishStep(outcome)
        if case .kick(let tube, _) = long.work { wakeForKicked(outcome, tube) }
        session.longCommand = answer == nil ? long : nil
        guard let answer else { return }
        counters[long.verb] += 1
        reply(answer, to: session)
    }

    /// More tasks were kicked than sessions were served with.
    private mutating func wakeForKicked(_ outcome: Outcome, _ tube: TubeName) {
        if case .kicked(let count) = outcome, count > Self.servedAtOnce { wake([tube]) }
    }

    private mutating func applyServe(_ outcome: Outcome, _ session: Session, for tube: TubeName?, at now: Moment) {
        if case .displaced = outcome {
            session.letGoOfAll()
            // The task that it was to have is for another session.
            wake(session.watchedTubes)
            if session.wait != nil { return endWait(of: session, with: .sessionTaken) }
        }
        guard case .claimed(let tasks) = outcome, let task = tasks.first else {
            session.wait?.isBeingServed = false
            if let tube { wakes.cameShort(tube) }
            if session.wait == nil { didNotWait(for: session.watchedTubes) }
            if madePendingBehindClaim { wakes.isUnsure = true }
            return timeouts.schedule(session)
        }
        // A session that ended while its claim ran gives the task back with its end, which is in the next batch.
        guard session.wait != nil else { return }
        endWait(of: session, with: nil)
        hand(task, to: session, at: now)
    }

    private mutating func hand(_ task: ClaimedTask, to session: Session, at now: Moment) {
        hold(task, session, at: now)
        reply(.reserved(task.id, body: task.body), to: session)
    }

    private mutating func hold(_ task: ClaimedTask, _ session: Session, at now: Moment) {
        let deadline = now.instant + .seconds(Int64(task.timeToRun))
        session.hold(task.id, Session.Claim(deadline: deadline, timeToRun: task.timeToRun, tube: task.tube))
        session.repliesTellOfClaims = true
        timeouts.schedule(session)
    }

    private mutating func answer(
        to verb: Verb,
        _ outcome: Outcome,
        _ session: Session,
        at now: Moment,
        _ process: (SessionTable) -> ProcessStatistics
    ) -> Reply {
        switch outcome {
        case .claimed(let tasks):
            guard let task = tasks.first else { return .notFound }
            markWorker(session)
            hold(task, session, at: now)
            return .reserved(task.id, body: task.body)
        case .deleted: return .deleted
        case .released: return .released
        case .buried: return .buried
        case .touched: return .touched
        case .kicked(let count): return verb == .kickJob ? .kickedTask : .kicked(count)
        case .found(let task, let body): return .found(task, body: body)
        case .paused: return .paused
        case .task(let statistics): return .ok(StatisticsText.task(statistics))
        case .tube(let statistics):
            let waiting = waiting(for: statistics.name) + (waitingElsewhere?(statistics.name) ?? 0)
            return .ok(StatisticsText.tube(statistics, waiting: waiting))
        case .store(let statistics): return .ok(StatisticsText.server(statistics, process(self)))
        case .tubes(let names):
            let list = StatisticsText.list(names)
            lastListBytes = list.count
            return .ok(list)
        case .notFound: return .notFound
        case .tookUp(let claims): return .session(claims: claims.count)
        case .displaced:
            session.letGoOfAll()
            return .sessionTaken
        case .inserted, .exists, .storageFull, .cleared, .referred, .givenBack, .heldBack, .locked, .failed, .damaged,
            .undone:
            return .internalError
        }
    }

    /// The connection holds what its named session holds.
    private mutating func takeUp(_ name: SessionName, _ claims: [HeldClaim], _ session: Session, at now: Moment) {
        // The session that had it here may be waiting, and is told when its claim is tried.
        for former in waitingSessions.sessions(named: name) { wakes.wake(former) }
        session.name = name
        session.letGoOfAll()
        for claim in claims {
            let deadline = now.instant + .milliseconds(claim.timeLeft)
            session.hold(
                claim.id,
                Session.Claim(deadline: deadline, timeToRun: claim.timeToRun, tube: claim.tube)
            )
        }
        timeouts.schedule(session)
    }

    /// Notes what a command has done to the session's claim on the task that it names.
    private func noteClaim(on task: TaskID, after outcome: Outcome, _ session: Session, at now: Moment) {
        switch outcome {
        case .touched:
            session.extend(task, from: now.instant)
            session.repliesTellOfClaims = true
        // With the last one the store says that the claim is not the session's any more.
        case .deleted, .released, .buried, .notFound: session.letGo(task)
        default: break
        }
    }
}
