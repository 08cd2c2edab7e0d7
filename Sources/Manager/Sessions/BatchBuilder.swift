internal import BeanstalkWire
internal import TaskStore

/// Builds batches: turns all that sessions can do now into operations, with a fair share for each.
///
/// The order is: sessions that have ended, timeouts, sessions woken from outside, commands in the order in which they
/// arrived. After each operation that makes tasks pending, waiting sessions of this manager get those tasks before any
/// later command can see or take them, as in beanstalkd. That is what ``add(_:_:for:_:)`` does for every operation.
struct BatchBuilder {
    let limits: BatchLimits

    /// The bytes of answers with bodies that one session may get in one batch; at least one such answer.
    var bytesForOne = Int.max

    /// The bytes of the last list of all tubes.
    var bytesOfList = 0

    /// The batch that is being built or run.
    var batch = BuiltBatch()

    /// The room that is left in it.
    var room: BatchRoom

    /// The tasks that it makes pending and that are not dispatched yet.
    var pending = PendingTasks()

    init(_ limits: BatchLimits) {
        self.limits = limits
        self.room = BatchRoom(limits)
    }

    /// Builds the next batch.
    ///
    /// - Parameters:
    ///   - sessions: the sessions, whose commands are taken from their queues.
    ///   - now: the time for the batch.
    /// - Returns: the operations; there are none if the batch has only answers that need no store.
    mutating func build(from sessions: inout SessionRegistry, at now: Moment) -> [Operation] {
        batch.claimOrder = .noneWaits
        batch.rest = .nothing
        batch.inspects = false
        room = BatchRoom(limits, bytesOfList: bytesOfList)

        addEnds(from: &sessions)
        addTimeouts(from: &sessions, at: now)
        serveWoken(of: &sessions)
        dispatch(to: &sessions)
        addCommands(from: &sessions, at: now)
        dispatch(to: &sessions)
        if !sessions.waiters.wakes.isEmpty { batch.leave(.commands) }
        return batch.operations
    }

    private mutating func addCommands(from sessions: inout SessionRegistry, at now: Moment) {
        var postponed: [Session] = []
        let share = limits.share(of: sessions.ready.count, bytesOfAnswers: bytesForOne)
        // Light sessions do not wait for the bulk of heavy ones.
        if sessions.ready.contains(where: { !$0.isHeavy }) { room.heavyBytes = limits.bytesBesideLight }
        for session in sessions.takeReady() where !session.hasEnded {
            let isHeavy = session.isHeavy
            guard room.hasCommands, room.heavyBytes > 0 || !isHeavy else {
                postponed.append(session)
                continue
            }
            var share = share
            if isHeavy { share.makeHeavy(atMost: room.heavyBytes / max(1, session.bytesPerAnswer)) }
            let used = addRequests(of: session, share, &sessions, at: now)
            room.commands -= used.usedCommands
            room.bodies -= used.usedBodies
            if isHeavy { room.heavyBytes -= used.usedBodies * session.bytesPerAnswer }
            if used.isUsedUp || isHeavy && room.heavyBytes <= 0 { batch.leave(.commands) }
        }
        if !postponed.isEmpty { batch.leave(.commands) }
        sessions.postpone(postponed)
    }

    private mutating func addRequests(
        of session: Session,
        _ share: SessionShare,
        _ sessions: inout SessionRegistry,
        at now: Moment
    ) -> SessionShare {
        var share = share
        if session.isNew {
            session.beginUse()
            append(countOf: .default, using: 1, watching: 1, for: session)
        }
        guard !session.isWaiting, !session.isPutOff, !session.isCongested, session.closing < .now else { return share }
        guard session.longCommand == nil else {
            addStep(for: session, &sessions)
            return share
        }
        while !share.isUsedUp, room.bytes > 0, !share.isHeavy || room.heavyBytes > 0,
            addFirstRequest(of: session, &share, &sessions, at: now)
        {}
        if session.queue.isEmpty, session.closing == .afterQueue, share.usedCommands == 0 {
            sessions.hangUp(session)
        } else if !session.queue.isEmpty || session.closing == .afterQueue {
            // The next batch continues from here, unless a claim of this one has to wait.
            sessions.markReady(session)
        }
        return share
    }

    // Operations.

    /// Adds an operation that may see or take tasks.
    ///
    /// Before it, waiting sessions get the tasks that are pending for them. What it makes pending itself goes to waiting sessions before the next such operation.
    mutating func add(
        _ action: consuming Action,
        _ kind: consuming BatchEntry.Kind,
        for session: Session,
        access: AccessFilter? = nil,
        _ sessions: inout SessionRegistry
    ) {
        if !pending.isEmpty { dispatch(to: &sessions) }
        let effect = PendingEffect(of: action, by: session)
        append(action, kind, for: session, access: access)
        note(effect, &sessions)
    }

    /// Adds an operation that sees and takes no task that is pending.
    ///
    /// The caller notes what it makes pending.
    mutating func append(
        _ action: consuming Action,
        _ kind: consuming BatchEntry.Kind,
        for session: Session,
        access: AccessFilter? = nil
    ) {
        batch.operations.append(Operation(session: session.id, action: action, access: access))
        batch.entries.append(BatchEntry(session: session, kind: kind))
    }

    /// Adds an answer that needs no store.
    mutating func append(answer: consuming Reply, verb: Verb?, to session: Session) {
        batch.entries.append(BatchEntry(session: session, kind: .answer(answer, verb: verb)))
    }

    /// Adds an operation that counts the session in or out at a tube.
    mutating func append(countOf tube: TubeName, using: Int = 0, watching: Int = 0, for session: Session) {
        append(
            .countUse(tube, using: using, watching: watching),
            .countUse(tube, using: using, watching: watching),
            for: session
        )
    }
}
