internal import BeanstalkWire
internal import DequeModule
internal import TaskStore

extension SessionTable {
    /// Turns the outcomes of the last batch into answers.
    ///
    /// - Parameters:
    ///   - outcomes: one outcome per operation of the batch, in order.
    ///   - late: the result of the renewal of claims.
    ///   - now: the time when the answers leave; the time to run of the claims in them counts from it.
    ///   - tubes: the awaited tubes in which the batch has left more to claim; `nil` if that is not known.
    ///   - process: the figures of this process in `stats`; called only if a `stats` is in the batch.
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

    /// Applies a step without an operation.
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

    /// Puts a command back that met another program's lock: the session tries again a little later, and no other
    /// session waits with it.
    private mutating func putOff(_ step: Step, at now: Moment) {
        if case .expire = step.kind { return }
        step.session.retryAt = now.instant + Self.pauseForLock
        timeouts.schedule(step.session)
    }

    /// The time until a locked command is tried again.
    private static let pauseForLock = Duration.milliseconds(20)

    /// Forgets the batch that is over.
    ///
    /// An error before the next batch, such as in a look at the store, must not be answered to its sessions.
    mutating func forgetBatch() {
        operations.removeAll(keepingCapacity: true)
        steps.removeAll(keepingCapacity: true)
        listText = nil
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
        case .command(let boxed):
            let command = boxed.command
            switch outcome {
            case .heldBack, .locked: return heldBack.append((session, .command(command)))
            default: break
            }
            counters[command.verb] += 1
            if case .kick = command { wakeForKicked(outcome, session.usedTube) }
            reply(answer(to: command.verb, outcome, session, at: now, process), to: session)
        case .reserve(let timeout, let count, let waits):
            applyReserve(
                outcome,
                Command(reserveFor: timeout),
                count: count,
                waits: waits,
                session,
                at: now,
                &heldBack
            )
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
            applyLong(outcome, session, at: now)
        case .expire(let task):
            guard outcome != .locked else {
                session.expireAgain(task)
                return timeouts.schedule(session, notBefore: now.instant + Self.pauseForLock)
            }
            session.letGo(task)
            noteRelieved(session)
            if case .released = outcome { counters.timeouts += 1 }
            timeouts.schedule(session)
        case .giveBack(let known):
            guard case .givenBack(let count) = outcome else { return }
            // The tubes of the other claims are not known. Only the store knows a claim that ran while the connection
            // ended.
            if count > known { wakes.isUnsure = true }
            if count == Batch.mostRows { endLater([session]) }
        }
    }

    /// Applies a put.
    ///
    /// The task stays in the operation, unless the put is held back: copying it would cost too much.
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

    private mutating func applyLong(_ outcome: Outcome, _ session: Session, at now: Moment) {
        markReady(session)
        guard var long = session.longCommand else { return }
        switch long.work {
        case .clear: break
        case .kick(let tube, _): wakeForKicked(outcome, tube)
        case .takeUp(let name): applyTakeUp(outcome, name, session, isFirst: long.isAtStart, at: now)
        }
        let answer = long.finishStep(outcome)
        session.longCommand = answer == nil ? long : nil
        guard let answer else { return }
        counters[long.verb] += 1
        reply(answer, to: session)
        guard case .displaced = outcome else { return }
        // It may have claims that it has not brought to the named session. Only its end returns them.
        session.letGoOfAll()
        hangUp(session)
    }

    /// Wakes sessions if more tasks were kicked than sessions were served.
    private mutating func wakeForKicked(_ outcome: Outcome, _ tube: TubeName) {
        if case .kicked(let count) = outcome, count > Self.servedAtOnce { wake([tube]) }
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
            // The answers of a batch share their text.
            if let listText, listText.names == names { return .ok(listText.text) }
            let list = StatisticsText.list(names)
            listText = (names, list)
            lastListBytes = list.count
            return .ok(list)
        case .notFound: return .notFound
        case .displaced:
            session.letGoOfAll()
            return .sessionTaken
        case .inserted, .exists, .storageFull, .cleared, .referred, .givenBack, .tookUp, .heldBack, .locked, .failed,
            .damaged, .undone:
            return .internalError
        }
    }

    /// Notes a step of taking up a named session.
    ///
    /// - Parameters:
    ///   - outcome: the step's outcome.
    ///   - name: the session's name.
    ///   - session: the connection's session.
    ///   - isFirst: whether it is the first step.
    ///   - now: the time when the answers leave.
    private mutating func applyTakeUp(
        _ outcome: Outcome,
        _ name: SessionName,
        _ session: Session,
        isFirst: Bool,
        at now: Moment
    ) {
        guard case .tookUp(let claims, _) = outcome else { return }
        if isFirst {
            // The former session of this manager may be waiting. It gets its answer when its claim is tried.
            for former in waitingSessions.sessions(named: name) { wakes.wake(former) }
            session.name = name
            session.letGoOfAll()
        }
        hold(claims, session, at: now)
    }

    /// Gives the connection claims of its named session.
    ///
    /// Without room for all of them it knows only some. The store ends the others when their time is over, and a client
    /// gets no `DEADLINE_SOON` for them.
    private mutating func hold(_ claims: [HeldClaim], _ session: Session, at now: Moment) {
        let known = claims.prefix(claimsAllowed(for: session))
        claimsLeft -= known.count
        for claim in known {
            let deadline = now.instant + .milliseconds(claim.timeLeft)
            session.hold(
                claim.id,
                Session.Claim(deadline: deadline, timeToRun: claim.timeToRun, tube: claim.tube)
            )
        }
        timeouts.schedule(session)
    }

    /// Notes the effect of a command on the session's claim on the task that it names.
    private func noteClaim(on task: TaskID, after outcome: Outcome, _ session: Session, at now: Moment) {
        switch outcome {
        case .touched:
            session.extend(task, from: now.instant)
            session.repliesTellOfClaims = true
        // With the last one the store reports that the session does not have the claim any more.
        case .deleted, .released, .buried, .notFound: session.letGo(task)
        default: break
        }
    }
}
