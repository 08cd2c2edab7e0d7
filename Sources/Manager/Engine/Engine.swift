internal import BeanstalkWire
internal import Logging
internal import NIOCore
internal import TaskStore

/// Turns what all connections ask for into batches, runs them, and sees to it that they are answered.
///
/// One **turn** is: make a batch of everything that has arrived, run it as one transaction, sync, answer. It is run once
/// at the end of each pass of the event loop over its sockets, so under load batches grow by themselves: while one turn
/// blocks in the transaction and the sync, the next one's commands gather in the sockets.
///
/// Confined to its event loop, which it blocks while the store works. That is on purpose: nothing could be answered
/// meanwhile, and handing the batch to another thread and back costs more than it gains.
final class Engine {
    let configuration: ManagerConfiguration
    let eventLoop: any EventLoop
    let logger: Logger
    var table: SessionTable
    let store: any Store
    private let lane: Lane?
    let clock = EngineClock()

    /// A moment no later than the time in the rows of the claims that the answers of this turn tell of.
    var claimsAreFrom = ContinuousClock.now

    /// What the store was too busy for; it is tried again.
    var stalled: Stalled?
    private var isTurnScheduled = false
    private var isInTurn = false
    private var isTurnWanted = false

    private var gathering = Gathering()

    /// The next turn, where the sockets are looked at before.
    private var nextTurn: Scheduled<Void>?
    var wakeUp: (at: ContinuousClock.Instant, timer: Scheduled<Void>)?
    var nextEvent: Timestamp?
    private var numbers = ConnectionNumbers()
    private(set) var connections: [SessionID: any SessionConnection] = [:]
    private var suspended: [any SessionConnection] = []
    var mustLookForEvents = false

    var lookout = Lookout()

    /// When it may be looked again what others have written.
    var nextLook = ContinuousClock.now

    /// The looks at the store that are made over and over, while they are.
    var looks: RepeatedTask?
    private var repeated: [RepeatedTask] = []
    var phase = Phase.running

    /// The last batch failed: what is tried again waits a little.
    private var hasFailed = false

    /// The awaited tubes in which the batch has left more to claim; nil if that is not known.
    private var moreToClaim: [TubeName]? = []
    private var failures = FailureLog()
    var refusals = RefusalLog()

    /// A manager that is asked to leave has waited long enough.
    private var isLate = false

    /// Who may connect.
    let admission: Admission

    /// What is kept for clients.
    let memory: MemoryBudget
    var memoryFailures = FailureLog()

    /// Where answers are encoded, one connection's after the other's.
    var output = ByteBuffer()

    /// Succeeds when the engine has left the store, fails when it cannot go on.
    let ended: EventLoopPromise<Void>

    enum Phase {
        case running
        case stopping
        case ended
    }

    /// Makes an engine.
    ///
    /// - Parameters:
    ///   - store: opened, and used by nobody else.
    ///   - configuration: the manager's settings.
    ///   - eventLoop: the loop on which all this happens; the caller is on it.
    ///   - logger: for what an operator should know.
    ///   - lane: which of several engines it is, if there are several.
    init(
        store: any Store,
        configuration: ManagerConfiguration,
        eventLoop: any EventLoop,
        logger: Logger,
        lane: Lane? = nil
    ) {
        self.lane = lane
        self.store = store
        self.configuration = configuration
        self.eventLoop = eventLoop
        self.logger = logger
        self.ended = eventLoop.makePromise()
        self.memory = MemoryBudget(limit: configuration.maximumMemory / max(1, configuration.lanes))
        self.admission = Admission(maximum: configuration.limits.connections, logger: logger)
        self.table = SessionTable(
            maximumTaskSize: configuration.maximumTaskSize,
            host: lane?.board.host ?? .current(version: configuration.version),
            limits: SessionTable.Limits(configuration)
        )
        if let lane { table.waitingElsewhere = { lane.board.waiting(for: $0, elsewhereThan: lane.number) } }
    }

    /// Starts the timers.
    func start() {
        let engine = NIOLoopBound(self, eventLoop: eventLoop)
        let eventLoop = eventLoop
        observe()
        repeated = [
            eventLoop.scheduleRepeatedTask(initialDelay: .zero, delay: configuration.maintenanceInterval) { _ in
                engine.value.maintain()
            }
        ]
        if let timeout = configuration.limits.commandTimeout {
            let interval = max(TimeAmount(timeout / CommandProgress.patience), .milliseconds(1))
            repeated.append(
                eventLoop.scheduleRepeatedTask(initialDelay: interval, delay: interval) { _ in
                    engine.value.closeStalled()
                }
            )
        }
    }

    // What connections tell.

    /// A session for a connection that was just accepted.
    func open(_ connection: any SessionConnection) -> Session {
        let session = Session(id: SessionID(connection: numbers.take(), of: store.manager))
        session.connection = connection
        connections[session.id] = connection
        table.open(session)
        scheduleTurn()
        return session
    }

    /// The connection is gone.
    func close(_ session: Session) {
        table.close(session)
        session.connection = nil
        connections[session.id] = nil
        numbers.release(session.id.connection)
        if let lane { lane.board.publish(&table, memory, of: lane.number) }
        scheduleTurn()
    }

    /// The connection's reading waits until its queue is shorter.
    func didSuspend(_ connection: any SessionConnection) {
        suspended.append(connection)
    }

    // Turns.

    /// Has a turn run once the event loop is through with its sockets.
    func scheduleTurn() {
        guard phase != .ended else { return }
        guard !isInTurn else {
            isTurnWanted = true
            return
        }
        guard !isTurnScheduled else { return }
        isTurnScheduled = true
        nextTurn?.cancel()
        nextTurn = nil
        if hasFailed {
            eventLoop.assumeIsolated().scheduleTask(in: Self.pauseAfterFailure) { self.turn() }
        } else {
            eventLoop.assumeIsolated().execute { self.turn() }
        }
    }

    /// Long enough not to burn a core while a disk is full, short enough that nobody notices.
    private static let pauseAfterFailure = TimeAmount.milliseconds(50)

    /// Long enough for the event loop to look at its sockets; what it finds there begins the turn at once.
    private static let timeForSockets = TimeAmount.milliseconds(1)

    /// Has a turn run once the event loop has looked at its sockets, which it does only when it has nothing to execute.
    ///
    /// If the time is over before the loop asks what there is to do next, it does not look. On a busy machine that happens;
    /// the turn then comes late, and waits again, for longer.
    private func takeTurnAfterSockets(attempt: Int64 = 0) {
        let due = eventLoop.now + Self.timeForSockets * (Int64(1) << attempt)
        nextTurn = eventLoop.assumeIsolated()
            .scheduleTask(deadline: due) {
                let isLate = self.eventLoop.now - due > .microseconds(250)
                if isLate, attempt < 3 { self.takeTurnAfterSockets(attempt: attempt + 1) } else { self.scheduleTurn() }
            }
    }

    private func turn() {
        isTurnScheduled = false
        guard phase != .ended, stalled == nil, !isGathering() else { return }
        lookForEveryone()
        boundAnswers()
        let moment = clock.now()
        let operations = table.makeBatch(at: moment)
        inTurn { carryOut(operations, at: moment) }
    }

    /// Whether the turn is put off for clients that are about to ask; then it is tried again.
    private func isGathering() -> Bool {
        guard phase == .running, !table.isUrgent,
            let left = gathering.wait(ready: table.ready.count, at: .now)
        else { return false }
        nextTurn?.cancel()
        nextTurn = eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(left)) { self.scheduleTurn() }
        return true
    }

    /// Does a turn's work and sees to it that another turn follows if there is more to do.
    private func inTurn(_ work: () -> Void) {
        isInTurn = true
        work()
        isInTurn = false
        guard isTurnWanted else { return }
        isTurnWanted = false
        guard table.wasCut, !hasFailed else { return scheduleTurn() }
        // Clients that have not sent ahead are to have their share of the next batch too.
        takeTurnAfterSockets()
    }

    private func carryOut(_ operations: [Operation], at moment: Moment) {
        let start = ContinuousClock.now
        do {
            var outcomes: [Outcome] = []
            moreToClaim = []
            if !operations.isEmpty || mustLookForEvents || isEventDue(at: moment) {
                mustLookForEvents = false
                let result = try runBatch(operations, at: moment)
                if result.needsDurability { try store.makeDurable() }
                if result.noRoom != nil || !refusals.isEmpty { noteRoom(after: result) }
                outcomes = result.outcomes
                nextEvent = result.nextEvent
                moreToClaim = hear(result)
                if result.claimsWereLost { loseClaims() }
                claimsAreFrom = result.timeRead
                let tolerance = configuration.claimTolerance
                if ContinuousClock.now - result.timeRead > tolerance {
                    let claims = LateClaims(operations, outcomes, since: result.timeRead, tolerance: tolerance)
                    return renew(claims, outcomes, start: start)
                }
            }
            stalled = nil
            hasFailed = false
            table.apply(outcomes, at: clock.now(), moreToClaim: moreToClaim, process: processStatistics)
        } catch {
            guard handle(error, operations, at: moment) else { return }
        }
        finishTurn(start: start)
    }

    /// Renews claims whose time in the store is not fresh any more, and then answers.
    ///
    /// A client has its whole time to run from the answer on. If a claim has ended since, the task was never handed out.
    private func renew(_ late: LateClaims, _ outcomes: [Outcome], start: ContinuousClock.Instant) {
        var late = late
        var outcomes = outcomes
        do {
            while late.areLate(at: .now) {
                // The task is claimed already, and for that the batch was made durable. If a power cut takes the renewal back,
                // the claim of a named session starts again with the machine.
                let result = try store.run(Batch(late.renewals, now: clock.now().timestamp))
                if result.claimsWereLost { loseClaims() }
                let more = hear(result)
                moreToClaim = moreToClaim.flatMap { known in more.map { known + $0 } }
                nextEvent = result.nextEvent
                late.note(result.outcomes, since: result.timeRead, in: &outcomes)
                claimsAreFrom = result.timeRead
            }
        } catch let error where error.code == .busy {
            return stall(.renewal(late, outcomes, start: start), error)
        } catch let error where error.code == .lost {
            giveUp(error)
            return
        } catch {
            if let times = failures.note(error.message) {
                logger.error(
                    "claims cannot be renewed; their connections are closed",
                    metadata: ["reason": "\(error)", "times": "\(times)"]
                )
            }
            late.giveUp()
        }
        stalled = nil
        hasFailed = false
        table.apply(outcomes, late: late, at: clock.now(), moreToClaim: moreToClaim, process: processStatistics)
        finishTurn(start: start)
    }

    /// Writes answers and sees to what comes next.
    private func finishTurn(start: ContinuousClock.Instant) {
        follow(lookout.waiting(table.waiting))
        if let lane { lane.board.publish(&table, memory, of: lane.number) }
        for tube in table.takeUnawaited() { store.stopsAwaiting(tube) }
        let answered = table.takeAnswered()
        let end = ContinuousClock.now
        send(answered[...])
        gathering.answered(answered.count, at: end, after: end - start)
        resumeReading()
        if table.hasWork { scheduleTurn() }
        armWakeUp()
        if phase == .stopping { endIfDone() }
    }

    /// Runs a batch, in parts if one of its operations is refused: that one must not fail the others.
    private func runBatch(_ operations: [Operation], at moment: Moment) throws(StoreError) -> BatchResult {
        let batch = Batch(operations, now: moment.timestamp)
        do {
            return try store.run(batch)
        } catch {
            guard error.code == .refused, !operations.isEmpty else { throw error }
            var parts = SplitBatch(batch) { [store] part throws(StoreError) in try store.run(part) }
            let result = try parts.carryOut(after: error)
            for refusal in parts.refusals { log("the database refused a command", refusal) }
            return result
        }
    }

    func log(_ what: String, _ error: StoreError) {
        guard let times = failures.note(error.message) else { return }
        logger.error("\(what)", metadata: ["reason": "\(error)", "times": "\(times)"])
    }

    private func isEventDue(at moment: Moment) -> Bool {
        guard let nextEvent else { return false }
        return nextEvent <= moment.timestamp
    }

    /// Decides what a failed batch means.
    ///
    /// - Returns: whether the batch is over and has been answered.
    func handle(_ error: StoreError, _ operations: [Operation], at moment: Moment) -> Bool {
        switch error.code {
        case .busy:
            stall(.batch(operations, moment), error)
            return false
        case .full:
            noteNoRoom(error, for: operations.count)
            return fail(nil, error, with: .outOfMemory, at: moment)
        case .failed, .refused:
            return fail("a batch failed", error, with: .internalError, at: moment)
        case .unknown:
            return fail("clients are left without an answer", error, with: nil, at: moment)
        case .lost, .unusable, .inUse, .acknowledgedTasksGone:
            giveUp(error)
            return false
        }
    }

    /// Answers a batch that failed and of which nothing has happened; or, where that is not known, does not.
    ///
    /// - Returns: whether the batch is over.
    private func fail(_ what: String?, _ error: StoreError, with answer: Reply?, at moment: Moment) -> Bool {
        if let what { log(what, error) }
        // Whoever cannot write that it leaves leaves as the dead do, and its claims are given back by others.
        guard !isLate else {
            giveUp(error)
            return false
        }
        stalled = nil
        hasFailed = true
        table.fail(with: answer, at: moment)
        return true
    }

    func stall(_ what: Stalled, _ error: StoreError) {
        if stalled == nil { logger.notice("waiting for the database", metadata: ["reason": "\(error)"]) }
        stalled = what
        eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(10)) { self.retry() }
    }

    private func retry() {
        guard phase != .ended, let stalled else { return }
        inTurn {
            switch stalled {
            case .batch(let operations, let moment): carryOut(operations, at: moment)
            case .renewal(let late, let outcomes, let start): renew(late, outcomes, start: start)
            case .answers(let sessions): renewClaims(inAnswersOf: sessions)
            }
        }
    }

    private func resumeReading() {
        guard !suspended.isEmpty else { return }
        let connections = suspended
        suspended.removeAll(keepingCapacity: true)
        for connection in connections { connection.resumeReading() }
    }

    // The end.

    /// Starts to leave: every session's commands that have arrived are carried out, then its connection is closed.
    ///
    /// ``ended`` succeeds once all claims are given back and the store is left.
    func stop() {
        guard phase == .running else { return }
        phase = .stopping
        for task in repeated { task.cancel() }
        for connection in connections.values { connection.leave() }
        eventLoop.assumeIsolated()
            .scheduleTask(in: configuration.stopTimeout) {
                self.isLate = true
                for connection in self.connections.values { connection.abort() }
            }
        scheduleTurn()
        endIfDone()
    }

    private func endIfDone() {
        guard table.openSessions == 0, !table.hasWork, stalled == nil else { return }
        phase = .ended
        looks?.cancel()
        reportRefusalsAtEnd()
        do {
            try store.leave()
            ended.succeed()
        } catch {
            ended.fail(error)
        }
    }

    /// Stops at once and answers nobody: what the disk holds is not known.
    func giveUp(_ error: StoreError) {
        guard phase != .ended else { return }
        phase = .ended
        looks?.cancel()
        for task in repeated { task.cancel() }
        ended.fail(error)
    }

    private func processStatistics(_ table: SessionTable) -> ProcessStatistics {
        var statistics = ProcessStatistics(
            counters: table.counters,
            maximumTaskSize: table.maximumTaskSize,
            connections: table.countedSessions,
            producers: table.producers,
            workers: table.workers,
            waiting: table.waiting,
            uptime: Int((ContinuousClock.now - clock.start).components.seconds),
            usage: HostDescription.processorTime(),
            isDraining: table.isDraining,
            host: table.host
        )
        statistics.heldMemory = memory.total
        statistics.maximumMemory = configuration.maximumMemory
        if let lane { statistics.add(lane.board.others(than: lane.number)) }
        return statistics
    }
}
