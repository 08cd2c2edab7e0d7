internal import BeanstalkWire
internal import TaskStore

extension SessionTable {
    /// Turns what can be done now into operations, and remembers in ``steps`` what to make of their outcomes.
    ///
    /// The order is: sessions that have ended, timeouts, sessions woken from outside, commands in the order in which
    /// they arrived. After each operation that makes tasks pending, waiting sessions of this manager get theirs before
    /// any later command can see or take them, as in beanstalkd.
    ///
    /// - Returns: the operations; there may be none where ``steps`` has only answers that need no store.
    mutating func makeBatch(at now: Moment) -> [Operation] {
        claimMayWait = false
        madePendingBehindClaim = false

        for session in takeEnded() { addEnd(of: session) }
        while let session = timeouts.popDue(at: now.instant) { addTimeouts(of: session, at: now) }
        servesEveryoneNow = takeServesEveryone()
        if servesEveryoneNow { owesEveryone = true }
        payOwed()
        var (commands, bodies) = (0, 0)
        bytes = 0
        wasCut = false
        var postponed: [Session] = []
        let share = share(of: ready.count)
        for session in takeReady() where !session.hasEnded {
            guard commands < limits.commandsInAll, bodies < limits.bodiesInAll, bytes < limits.bytesInAll else {
                postponed.append(session)
                continue
            }
            let progress = addRequests(of: session, Progress(share), at: now)
            commands += progress.commands
            if progress.commands >= share.commands || progress.bodies >= share.bodies { wasCut = true }
            bodies += progress.bodies
        }
        if !postponed.isEmpty { wasCut = true }
        postpone(postponed)
        payOwed()
        return operations
    }

    mutating func add(_ action: consuming Action, _ kind: consuming Step.Kind, for session: Session) {
        operations.append(Operation(session: session.id, action: action))
        steps.append(Step(session: session, kind: kind))
    }

    // The end of a session.

    private mutating func addEnd(of session: Session) {
        let keepsClaims = session.isNamed && !session.hasQuit
        if !keepsClaims { for claim in session.claims.values { owe(claim.tube) } }
        // In the order in which beanstalkd lets go of them (ms_clear in ms.c), which decides the order of list-tubes where
        // several tubes end with the session.
        let watches = session.referredWatches
        for tube in watches.prefix(1) + watches.dropFirst().reversed() { addReferral(tube, watching: -1, for: session) }
        if let tube = session.referredUse { addReferral(tube, using: -1, for: session) }
        add(session.isNamed && session.hasQuit ? .giveBackAll : .giveBack, .giveBack, for: session)
    }

    mutating func addReferral(_ tube: TubeName, using: Int = 0, watching: Int = 0, for session: Session) {
        add(
            .refer(tube, using: using, watching: watching),
            .refer(tube, using: using, watching: watching),
            for: session
        )
    }

    // What time brings.

    private mutating func addTimeouts(of session: Session, at now: Moment) {
        guard !session.hasEnded else { return }
        if let retryAt = session.retryAt, retryAt <= now.instant {
            session.retryAt = nil
            markReady(session)
        }
        if let wait = session.wait, !wait.isBeingServed {
            if session.isDeadlineSoon(at: now.instant) {
                endWait(of: session, with: .deadlineSoon)
            } else if let deadline = wait.deadline, deadline <= now.instant {
                endWait(of: session, with: .timedOut)
            }
        }
        guard let soonest = session.soonestDeadline, soonest <= now.instant else { return timeouts.schedule(session) }
        for (task, claim) in session.claims where claim.deadline <= now.instant {
            add(.expire(task), .expire(task), for: session)
            owe(claim.tube)
        }
        // The session is scheduled again when these claims are known to be over.
    }

    // Tasks that sessions of this manager have been waiting for.

    /// Some tasks of the tube are about to become pending.
    mutating func owe(_ tube: TubeName, tasks: Int = 1) {
        if claimMayWait { madePendingBehindClaim = true }
        guard waiting(for: tube) > 0 else { return }
        if let index = owed.firstIndex(where: { $0.tube == tube }) {
            owed[index].tasks += tasks
        } else {
            owed.append((tube, tasks))
        }
    }

    /// Tasks of who knows which tubes are about to become pending.
    mutating func oweEveryone() {
        if claimMayWait { madePendingBehindClaim = true }
        owesEveryone = waiting > 0
    }

    mutating func payOwed() {
        if owesEveryone {
            owesEveryone = false
            owed.removeAll(keepingCapacity: true)
            var sessions: [Session] = []
            forEachWaiting { sessions.append($0) }
            for session in sessions { serve(session) }
        }
        guard !owed.isEmpty else { return }
        for (tube, tasks) in owed {
            var sessions: [Session] = []
            forEachWaiting(for: tube) {
                sessions.append($0)
                return sessions.count < tasks
            }
            for session in sessions { serve(session) }
        }
        owed.removeAll(keepingCapacity: true)
    }

    private mutating func serve(_ session: Session) {
        session.wait?.isBeingServed = true
        claimMayWait = true
        add(.claim(tubes: session.watchedTubes, count: 1, waits: true), .serve, for: session)
    }

    // Commands.

    /// How far one session has come in the batch.
    struct Progress {
        /// How much of the batch it may have.
        let share: (commands: Int, bodies: Int)

        var commands = 0
        var bodies = 0

        /// A claim of the session in this batch may come to wait.
        var mayWait = false

        init(_ share: (commands: Int, bodies: Int)) {
            self.share = share
        }
    }

    private mutating func addRequests(of session: Session, _ start: Progress, at now: Moment) -> Progress {
        var progress = start
        if session.opening {
            session.opening = false
            addReferral(.default, using: 1, watching: 1, for: session)
        }
        guard session.wait == nil, session.retryAt == nil, !session.isCongested, session.closing != .now else {
            return progress
        }
        if let clearing = session.clearing {
            addStep(of: clearing, for: session)
            return progress
        }
        while progress.commands < progress.share.commands, progress.bodies < progress.share.bodies,
            bytes < limits.bytesInAll, addFirstRequest(of: session, &progress, at: now)
        {}
        if session.queue.isEmpty, session.closing == .afterQueue, progress.commands == 0 {
            hangUp(session)
        } else if !session.queue.isEmpty || session.closing == .afterQueue {
            // The next batch goes on from here, unless a claim of this one comes to wait.
            markReady(session)
        }
        return progress
    }
}
