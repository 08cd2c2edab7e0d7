internal import BeanstalkWire
internal import TaskStore

/// What becomes of claims: those of commands, and those for sessions that wait.
extension SessionTable {
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

    mutating func applyServe(_ outcome: Outcome, _ session: Session, for tube: TubeName?, at now: Moment) {
        if case .displaced = outcome {
            session.letGoOfAll()
            // The task for which it was woken is for another session.
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
        // A session that ended while its claim ran returns the task with its end, in the next batch.
        guard session.wait != nil else { return }
        endWait(of: session, with: nil)
        hand(task, to: session, at: now)
    }

    private mutating func hand(_ task: ClaimedTask, to session: Session, at now: Moment) {
        hold(task, session, at: now)
        reply(.reserved(task.id, body: task.body), to: session)
    }

    mutating func hold(_ task: ClaimedTask, _ session: Session, at now: Moment) {
        let deadline = now.instant + .seconds(Int64(task.timeToRun))
        session.hold(task.id, Session.Claim(deadline: deadline, timeToRun: task.timeToRun, tube: task.tube))
        session.repliesTellOfClaims = true
        timeouts.schedule(session)
    }
}
