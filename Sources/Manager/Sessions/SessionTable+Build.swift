internal import BeanstalkWire
internal import TaskStore

extension SessionTable {
    /// Returns operations for all that can be done now, and keeps in ``steps`` how to answer their outcomes.
    ///
    /// The order is: sessions that have ended, timeouts, sessions woken from outside, commands in the order in which
    /// they arrived. After each operation that makes tasks pending, waiting sessions of this manager get those tasks
    /// before any later command can see or take them, as in beanstalkd.
    ///
    /// - Returns: the operations; there are none if ``steps`` has only answers that need no store.
    mutating func makeBatch(at now: Moment) -> [Operation] {
        claimMayWait = false
        madePendingBehindClaim = false
        wasCut = false
        room = BatchRoom(limits, bytesOfList: lastListBytes)

        addEnds()
        addTimeouts(at: now)
        serveWoken()
        payOwed()
        var postponed: [Session] = []
        let share = share(of: ready.count)
        // Light sessions do not wait for the bulk of heavy ones.
        if ready.contains(where: { !$0.isHeavy }) { room.heavyBytes = limits.bytesBesideLight }
        for session in takeReady() where !session.hasEnded {
            let isHeavy = session.isHeavy
            guard room.commands > 0, room.bodies > 0, room.bytes > 0, room.heavyBytes > 0 || !isHeavy else {
                postponed.append(session)
                continue
            }
            var share = share
            if isHeavy { share.bodies = min(share.bodies, max(1, room.heavyBytes / max(1, session.bytesPerAnswer))) }
            let progress = addRequests(of: session, Progress(share, isHeavy: isHeavy), at: now)
            room.commands -= progress.commands
            room.bodies -= progress.bodies
            if isHeavy { room.heavyBytes -= progress.bodies * session.bytesPerAnswer }
            if progress.commands >= share.commands || progress.bodies >= share.bodies { wasCut = true }
            if isHeavy, room.heavyBytes <= 0 { wasCut = true }
        }
        if !postponed.isEmpty { wasCut = true }
        postpone(postponed)
        payOwed()
        if !wakes.isEmpty { wasCut = true }
        return operations
    }

    mutating func add(_ action: consuming Action, _ kind: consuming Step.Kind, for session: Session) {
        operations.append(Operation(session: session.id, action: action))
        steps.append(Step(session: session, kind: kind))
    }

    // Commands.

    /// The progress of one session in the batch.
    struct Progress {
        /// The part of the batch that it may have.
        let share: (commands: Int, bodies: Int)

        /// See ``Session/isHeavy``.
        let isHeavy: Bool

        var commands = 0
        var bodies = 0

        /// The number of claims that the session may get in this batch.
        var claims = 0

        /// Whether a claim of the session in this batch may have to wait.
        var mayWait = false

        init(_ share: (commands: Int, bodies: Int), isHeavy: Bool) {
            self.share = share
            self.isHeavy = isHeavy
        }
    }

    private mutating func addRequests(of session: Session, _ start: Progress, at now: Moment) -> Progress {
        var progress = start
        if session.opening {
            session.opening = false
            addReferral(.default, using: 1, watching: 1, for: session)
        }
        guard !session.isWaiting, !session.isPutOff, !session.isCongested, session.closing != .now else {
            return progress
        }
        guard session.longCommand == nil else {
            addStep(for: session)
            return progress
        }
        while progress.commands < progress.share.commands, progress.bodies < progress.share.bodies,
            room.bytes > 0, !progress.isHeavy || room.heavyBytes > 0,
            addFirstRequest(of: session, &progress, at: now)
        {}
        if session.queue.isEmpty, session.closing == .afterQueue, progress.commands == 0 {
            hangUp(session)
        } else if !session.queue.isEmpty || session.closing == .afterQueue {
            // The next batch continues from here, unless a claim of this one has to wait.
            markReady(session)
        }
        return progress
    }
}
