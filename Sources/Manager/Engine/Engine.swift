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
    let lane: Lane?
    let clock = EngineClock()

    /// A moment no later than the time in the rows of the claims that the answers of this turn tell of.
    var claimsAreFrom = ContinuousClock.now

    /// What the store was too busy for; it is tried again.
    var stalled: Stalled?
    var isTurnScheduled = false
    var isInTurn = false
    var isTurnWanted = false

    var gathering = Gathering()

    /// The next turn, where the sockets are looked at before.
    var nextTurn: Scheduled<Void>?
    var wakeUp: (at: ContinuousClock.Instant, timer: Scheduled<Void>)?
    var nextEvent: Timestamp?
    private var numbers = ConnectionNumbers()
    private(set) var connections: [SessionID: any SessionConnection] = [:]
    var suspended: [any SessionConnection] = []
    var mustLookForEvents = false

    var lookout = Lookout()

    /// When it may be looked again what others have written.
    var nextLook = ContinuousClock.now

    /// The looks at the store that are made over and over, while they are.
    var looks: RepeatedTask?
    var repeated: [RepeatedTask] = []
    var phase = Phase.running

    /// The last batch failed: what is tried again waits a little.
    var hasFailed = false

    /// The awaited tubes in which the batch has left more to claim; nil if that is not known.
    var moreToClaim: [TubeName]? = []
    var failures = FailureLog()
    var refusals = RefusalLog()

    /// A manager that is asked to leave has waited long enough.
    var isLate = false

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

    /// Adds what a client has sent to its session's queue.
    ///
    /// Inlined: to hand a request on copies it, 20 instructions per command.
    @inline(__always)
    func receive(_ request: consuming Request, from session: Session) {
        table.receive(consume request, from: session)
        if !isTurnScheduled { scheduleTurn() }
    }

    /// Takes note that a client sends no more: what it sent is carried out, then its connection is closed.
    func finish(_ session: Session) {
        table.finish(session)
        scheduleTurn()
    }

    /// Takes note that a connection cannot take more answers for now, or can again.
    func setCongested(_ isCongested: Bool, _ session: Session) {
        table.setCongested(isCongested, session)
        scheduleTurn()
    }

    /// Takes note that the manager leaves: what the client sent is carried out, then its connection is closed.
    func leave(_ session: Session) {
        table.leave(session)
        scheduleTurn()
    }

    /// Answers every put with `DRAINING` from now on.
    func drain() {
        table.isDraining = true
    }

    /// The connection's reading waits until its queue is shorter.
    func didSuspend(_ connection: any SessionConnection) {
        suspended.append(connection)
    }
}
