internal import BeanstalkWire
internal import TaskStore

/// What becomes of claims: those of commands, those for sessions that wait, and those whose time is over.
extension OutcomeReplies {
    /// Consecutive `reserve` commands of one session.
    struct Reserve {
        /// Each of the commands.
        var command: Command
        var count: Int

        /// Whether the first command that gets no task waits for one.
        var waits: Bool
    }

    mutating func applyReserve(
        _ outcome: Outcome,
        _ reserve: Reserve,
        _ session: Session,
        _ batch: borrowing BuiltBatch,
        _ sessions: inout SessionRegistry,
        at now: Moment
    ) {
        let verb = reserve.command.verb
        if case .superseded = outcome {
            sessions.counters[verb] += reserve.count
            sessions.waiters.abandon(session.claimTubes)
            for _ in 0..<reserve.count { sessions.reply(.sessionTaken, to: session) }
            session.claims = SessionClaims()
            return
        }
        guard case .claimed(let tasks) = outcome else { return deferCommands(reserve, reserve.count, session) }
        for task in tasks { hand(task, to: session, &sessions, at: now) }
        sessions.counters[verb] += tasks.count
        let unsatisfied = reserve.count - tasks.count
        guard unsatisfied > 0 else { return }
        guard reserve.waits else {
            sessions.counters[verb] += unsatisfied
            let answer: Reply = session.claims.isDeadlineSoon(at: now.instant) ? .deadlineSoon : .timedOut
            for _ in 0..<unsatisfied { sessions.reply(answer, to: session) }
            return
        }
        sessions.counters[verb] += 1
        deferCommands(reserve, unsatisfied - 1, session)
        beginWait(for: reserve.command, session, batch, &sessions, at: now)
    }

    /// Begins the wait of a `reserve` that got no task, or answers it if it cannot wait.
    private func beginWait(
        for command: Command,
        _ session: Session,
        _ batch: borrowing BuiltBatch,
        _ sessions: inout SessionRegistry,
        at now: Moment
    ) {
        if session.closing >= .now {
            sessions.waiters.abandon(session.claimTubes)
        } else if session.claims.isDeadlineSoon(at: now.instant) {
            sessions.waiters.abandon(session.claimTubes)
            sessions.reply(.deadlineSoon, to: session)
        } else if session.closing == .afterQueue {
            sessions.waiters.abandon(session.claimTubes)
            sessions.reply(.timedOut, to: session)
        } else {
            let deadline = command.timeout.map { now.instant + .seconds(Int64($0)) }
            sessions.beginWait(of: session, until: deadline)
            noteUnserved(after: batch, &sessions)
        }
    }

    private mutating func deferCommands(_ reserve: Reserve, _ count: Int, _ session: Session) {
        for _ in 0..<count { deferred.append((session, .command(reserve.command))) }
    }

    /// Notes that a session waits that the batch did not know of when it made tasks pending.
    private func noteUnserved(after batch: borrowing BuiltBatch, _ sessions: inout SessionRegistry) {
        if case .pendingBehindClaim = batch.claimOrder { sessions.waiters.unserved = .possible }
    }

    /// Applies the claim for a session that waits.
    mutating func applyServe(
        _ outcome: Outcome,
        _ session: Session,
        for tube: TubeName?,
        _ batch: borrowing BuiltBatch,
        _ sessions: inout SessionRegistry,
        at now: Moment
    ) {
        if case .superseded = outcome {
            session.claims = SessionClaims()
            // The task for which it was woken is for another session.
            sessions.waiters.wake(session.claimTubes)
            if session.isWaiting { return sessions.endWait(of: session, with: .sessionTaken) }
        }
        guard case .claimed(let tasks) = outcome, let task = tasks.first else {
            session.setBeingServed(false)
            if let tube { sessions.waiters.wakes.foundNothing(in: tube) }
            if !session.isWaiting { sessions.waiters.abandon(session.claimTubes) }
            noteUnserved(after: batch, &sessions)
            return sessions.timeouts.schedule(session)
        }
        // A session that ended while its claim ran returns the task with its end, in the next batch.
        guard session.isWaiting else { return }
        sessions.endWait(of: session, with: nil)
        hand(task, to: session, &sessions, at: now)
    }

    private func hand(_ task: ClaimedTask, to session: Session, _ sessions: inout SessionRegistry, at now: Moment) {
        hold(task, session, &sessions, at: now)
        sessions.reply(.reserved(task.id, body: task.body), to: session)
    }

    /// Gives a session the claim on a task that its answer names.
    func hold(_ task: ClaimedTask, _ session: Session, _ sessions: inout SessionRegistry, at now: Moment) {
        let deadline = now.instant + .seconds(Int64(task.timeToRun))
        session.claims.add(task.id, .init(deadline: deadline, timeToRun: task.timeToRun, tube: task.tube))
        session.noteClaimInReplies()
        sessions.timeouts.schedule(session)
    }

    /// Notes the effect of a command on the session's claim on the task that it names.
    func noteClaim(on task: TaskID, after outcome: Outcome, _ session: Session, at now: Moment) {
        switch outcome {
        case .touched:
            session.claims.extend(task, from: now.instant)
            session.noteClaimInReplies()
        case .deleted, .released, .buried: session.claims.remove(task)
        // The store reports that the session does not have the claim any more, unless the session may only not find it.
        // Such a claim has to end when its time is over.
        case .notFound where session.accessFilter(for: .touch) == nil: session.claims.remove(task)
        default: break
        }
    }

    /// Applies the end of a claim whose time is over.
    func applyExpiry(
        _ outcome: Outcome,
        of task: TaskID,
        _ session: Session,
        _ sessions: inout SessionRegistry,
        at now: Moment
    ) {
        guard outcome != .locked else {
            session.claims.expireAgain(task)
            return sessions.timeouts.schedule(session, notBefore: now.instant + Self.pauseForLock)
        }
        session.claims.remove(task)
        sessions.noteRelieved(session)
        if case .released = outcome { sessions.counters.timeouts += 1 }
        sessions.timeouts.schedule(session)
    }
}
