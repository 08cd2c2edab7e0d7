internal import Access
internal import BeanstalkWire
internal import Logging
internal import NIOCore
internal import TaskStore
internal import Transport

/// Collects the commands of all connections in batches, runs them, and has them answered.
///
/// One **turn** is: build a batch of all commands that have arrived, run it as one transaction, sync, answer. There is
/// one turn at the end of each pass of the event loop over its sockets. So batches grow under load: while one turn
/// blocks in the transaction and the sync, the commands of the next turn arrive in the sockets.
///
/// Confined to its event loop, which it blocks while the store works. That is intended: no command could be answered
/// during this time, and passing the batch to another thread and back costs more than it gains.
final class Engine {
    let configuration: ManagerConfiguration
    let eventLoop: any EventLoop
    let logger: Logger
    var table: SessionTable
    let store: any Store
    let lane: Lane?
    let clock = EngineClock()

    /// Shows other threads that the loop turns.
    let activity: LoopActivity

    /// A moment that is no later than the time in the rows of the claims in this turn's answers.
    var claimsAreFrom = ContinuousClock.now

    /// The work for which the store was too busy; it is tried again.
    var stalled: Stalled?

    /// The questions that are not answered yet.
    var questions: [EngineQuestion] = []
    var isTurnScheduled = false
    var isInTurn = false
    var isTurnWanted = false

    var linger = BatchLinger()

    /// How long the turns have taken lately.
    var turnTimes = TurnTimes()

    /// The other managers, as of the last maintenance; `nil` before the first one.
    var peers: [ManagerID: String]?

    /// The reasons for which new tasks are refused.
    var drainReasons: Set<DrainReason> = []

    /// The next turn, if the sockets are read before it.
    var nextTurn: Scheduled<Void>?
    var wakeUp: (at: ContinuousClock.Instant, timer: Scheduled<Void>)?
    var nextEvent: Timestamp?
    private var numbers = ConnectionNumbers()
    private(set) var connections: [SessionID: any SessionConnection] = [:]
    var suspended: [any SessionConnection] = []
    var mustLookForEvents = false

    var polling = PollingPolicy()

    /// When the engine may look again for the commits of others.
    var nextLook = ContinuousClock.now

    /// The repeated looks at the store, while there are some.
    var looks: RepeatedTask?
    var repeated: [RepeatedTask] = []
    var phase = Phase.running

    /// Whether the last batch failed: then the next try waits a little.
    var hasFailed = false

    /// The subscribed tubes in which the batch has left more to claim; `nil` if that is not known.
    var moreToClaim: [TubeName]? = []
    var failures = FailureLog()
    var refusals = RefusalLog()

    /// Whether a manager that is stopping has waited long enough.
    var isLate = false

    /// How many batches have failed since the manager has been stopping, other than for lack of space.
    var failuresAtEnd = 0

    /// The principals; `nil` if every client may do everything.
    var access: AccessList?

    /// Whether sessions still have the rights of a former list.
    var hasNewAccess = false

    /// The connections whose clients are not known yet.
    var strangers: Strangers
    var unauthorized = FailureLog()

    /// Decides which connections are accepted.
    let admission: Admission

    /// Counts the memory that is used for clients.
    let memory: MemoryBudget

    /// Reads the figures of the process for `stats`.
    let process: ProcessReader
    var memoryFailures = FailureLog()

    /// The TLS handshakes, if a listener has TLS.
    var acceptor: TLSAcceptor?
    var handshakeFailures = FailureLog()

    /// The buffer in which answers are encoded, one connection after the other.
    var output = ByteBuffer()

    /// Succeeds when the engine has left the store; fails if it cannot go on.
    let ended: EventLoopPromise<Void>

    enum Phase {
        case running
        case stopping
        case ended
    }

    /// Makes an engine.
    ///
    /// - Parameters:
    ///   - store: an open store that only this engine uses.
    ///   - configuration: the manager's settings.
    ///   - eventLoop: the loop of the engine; the caller is on it.
    ///   - logger: for messages to the operator.
    ///   - lane: the engine's lane, if there are several engines.
    ///   - activity: shows other threads that the loop turns.
    init(
        store: any Store,
        configuration: ManagerConfiguration,
        eventLoop: any EventLoop,
        logger: Logger,
        lane: Lane? = nil,
        activity: LoopActivity = LoopActivity()
    ) {
        self.lane = lane
        self.activity = activity
        self.store = store
        self.configuration = configuration
        self.eventLoop = eventLoop
        self.logger = logger
        self.ended = eventLoop.makePromise()
        self.memory = MemoryBudget(
            limit: configuration.maximumMemory / max(1, configuration.lanes),
            largestTask: configuration.maximumTaskSize
        )
        self.access = configuration.access
        self.strangers = Strangers(maximum: configuration.limits.strangers / max(1, configuration.lanes))
        self.admission = Admission(maximum: configuration.limits.connections, logger: logger)
        self.process = ProcessReader(
            configuration: configuration,
            host: lane?.board.host ?? .current(version: configuration.version),
            memory: memory,
            start: clock.start,
            lane: lane
        )
        self.table = SessionTable(limits: BatchLimits(configuration), process: process.statistics)
        if let lane { table.sessions.waitingElsewhere = { lane.board.waiting(for: $0, elsewhereThan: lane.number) } }
    }

    /// Starts the timers.
    func start() {
        let engine = NIOLoopBound(self, eventLoop: eventLoop)
        let eventLoop = eventLoop
        observe()
        repeated = [
            eventLoop.scheduleRepeatedTask(initialDelay: .zero, delay: configuration.maintenanceInterval) { _ in
                engine.value.activity.noteTurn(isStalled: engine.value.stalled != nil)
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

    // Calls from connections.

    /// Opens a session for a connection that was just accepted.
    ///
    /// - Parameters:
    ///   - connection: the connection.
    ///   - principal: the principal that the client is; `nil` if every client may do everything.
    /// - Returns: the session.
    func open(_ connection: any SessionConnection, _ principal: Principal?) -> Session {
        let session = Session(
            id: SessionID(connection: numbers.take(), of: store.manager),
            connection: connection,
            principal: principal
        )
        connections[session.id] = connection
        table.sessions.open(session)
        scheduleTurn()
        return session
    }

    /// Notes that the connection is gone.
    func close(_ session: Session) {
        table.sessions.close(session)
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
        table.sessions.receive(consume request, from: session)
        if !isTurnScheduled { scheduleTurn() }
    }

    /// Takes note that a client sends no more: what it sent is carried out, then its connection is closed.
    func finish(_ session: Session) {
        table.sessions.finish(session)
        scheduleTurn()
    }

    /// Takes note that a connection cannot take more answers for now, or can again.
    func setCongested(_ isCongested: Bool, _ session: Session) {
        table.sessions.setCongested(isCongested, session)
        scheduleTurn()
    }

    /// Takes note that the manager leaves: what the client sent is carried out, then its connection is closed.
    func leave(_ session: Session) {
        table.sessions.leave(session)
        scheduleTurn()
    }

    /// Answers every put with `DRAINING` from now on.
    func drain() {
        setDraining(true, .signal)
    }

    /// Adds or removes a reason to refuse new tasks.
    func setDraining(_ isDraining: Bool, _ reason: DrainReason) {
        if isDraining { drainReasons.insert(reason) } else { drainReasons.remove(reason) }
        table.sessions.isDraining = !drainReasons.isEmpty
    }

    /// A reason to refuse new tasks.
    enum DrainReason {
        /// A signal to the process. It stays until the process ends.
        case signal

        /// An operator's command, which is in the store.
        case operatorsCommand
    }

    /// Notes that the connection's reading waits until its queue is shorter.
    func didSuspend(_ connection: any SessionConnection) {
        suspended.append(connection)
    }
}
