public import TaskStore

/// The store on a PostgreSQL server, shared by managers on any number of hosts.
///
/// ### The path of a batch
/// Two round trips. The first is `BEGIN` and a function that runs all operations. The second is the counts, the proof that
/// this manager is not considered dead, and `COMMIT`. A batch that changes nothing is one round trip. The server makes a
/// commit durable before it answers, so ``makeDurable()`` has nothing to do.
///
/// ### If the server is lost
/// A batch waits for the server up to ``Options/timeout`` and then fails. The next one tries again. If the answer to a
/// `COMMIT` was lost, the server is asked what became of the transaction before any client gets an answer.
///
/// ### Locks of other programs
/// A program may change tasks in its own transaction and commit it much later. A batch that meets such a lock gives up
/// after ``lockTimeout`` and is run again in a careful way, as are those that follow it for a while. It takes the locks
/// that are free, leaves out the operations that need another one (``Outcome/locked``), and writes its counts as changes
/// that are added up later.
///
/// ### Threads
/// Only one thread at a time may use the store, which blocks it. Only the handler of ``observeChanges(_:)`` is called from
/// a thread of the store's own, and from within ``run(_:)``.
public final class PostgresStore: Store {
    /// Settings, with usual values.
    public struct Options: Sendable {
        /// For how long a batch waits for a server that does not answer.
        public var timeout = Duration.seconds(10)

        /// For how long a manager may be silent before the others return its claims.
        public var lease = Duration.seconds(5)

        /// Which of the process's stores this is, for readers of the table of managers.
        public var lane = 0

        /// For how many seconds the key of a finished task is kept.
        public var uniqueRetention = QueueRules.keyRetention

        /// The program's version, for readers of the table of managers.
        public var version = ""

        /// Where the store says that it waits for the server, for other threads of the process.
        public var wait = StoreWait()

        /// The name of this host, for readers of the table of managers.
        public var host = ""

        /// The schema that has the tables.
        public var schema = "beanrow"

        /// How often ``PostgresStore/hasChangedElsewhere()`` asks the server at most.
        public var lookInterval = Duration.seconds(1)

        /// Tells the store that the process has to end soon; one signal may be that of several stores.
        public var stop = StopSignal()

        /// Whether the time comes from the batches and not from the server.
        ///
        /// Tests set it, to control the time.
        package var usesBatchTime = false

        /// Whether sessions that a manager has left on the server are ended.
        ///
        /// Tests of what protects from them otherwise unset it.
        package var endsOrphans = true

        /// Makes options with the usual values.
        public init() {}
    }

    /// How long a batch waits for a lock, in milliseconds.
    ///
    /// Managers hold their locks for a few milliseconds.
    static let lockTimeout = 50

    /// See ``Store/manager``.
    public internal(set) var manager = ManagerID(rawValue: 0)

    /// The managers that were found dead at opening, and how many of their claims became pending.
    public internal(set) var recoveredAtOpening: [DeadManager] = []

    /// What the server's settings mean for acknowledged tasks: lines for the log, and whether each is a warning.
    public internal(set) var durability: [(line: String, isWarning: Bool)] = []

    let options: Options
    let address: String
    let name: String
    let listeningAddress: String

    /// The connection; nil while the server is away.
    var connection: PostgresConnection?

    /// When to try again to connect.
    var backoff = ReconnectBackoff()

    let listener: Listener
    let connector: Connector
    var handler: (@Sendable () -> Void)?

    /// What this manager's connections use and hold.
    var references = LocalReferences()

    /// The figures of this process, for the heartbeat.
    var figures = ManagerFigures()

    /// Tubes for which sessions wait.
    var awaited: Set<TubeName> = []

    /// Tubes for which sessions wait as far as the server knows.
    ///
    /// It learns later that they no longer wait.
    var subscribed: Set<TubeName> = []

    /// How many batches have changed something.
    var batches: Int64 = 0

    /// This manager's fence on the server; see `last_batch_2` in `functions-managers.sql`.
    var fence: Int64 = 0

    /// After how many batches another order of operations is tried again.
    var batchesUntilOptimism = 0

    /// After how many batches the fast path is tried again.
    var batchesUntilFastPath = 0

    /// Whether the sessions' claims were lost and the manager has not been told yet.
    var hasLostClaims = false

    /// Whether the manager needs another number: it is considered dead, or it is not known what became of a batch.
    var mustReenter = false

    /// What was observed of the other managers.
    var failureDetector: FailureDetector

    /// What was read of the server's clock.
    var clock = ServerClock()

    /// Just before the last batch was sent.
    var sent = ContinuousClock.now

    /// Until when batches wait for no lock of another program.
    var carefulUntil: ContinuousClock.Instant?

    /// Since when sessions' commands have met another program's lock.
    var lockedSince: [SessionID: ContinuousClock.Instant] = [:]

    /// Holders that are gone and still have claims to return.
    var leftovers: [Int64] = []

    /// When this manager last wrote the time of its heartbeat, for people.
    var lastBeat = ContinuousClock.now
    var lastCleanUp = ContinuousClock.now
    var lastLook: ContinuousClock.Instant?
    var lastOthers: Int64?
    var hasLeft = false

    init(_ address: String, name: String, listeningAddress: String, _ options: Options) {
        self.address = address
        self.name = name
        self.listeningAddress = listeningAddress
        self.options = options
        self.failureDetector = FailureDetector(lease: options.lease)
        self.listener = Listener(address: address, schema: options.schema, lease: options.lease, stop: options.stop)
        let setup = Self.setup(options)
        self.connector = Connector(address, limit: max(options.timeout, .seconds(4)), stop: options.stop) {
            (connection, limit) throws(PostgresError) in
            try connection.execute(connection.keepaliveSettings + setup, until: limit)
            try connection.startPipeline(until: limit)
        }
    }

    /// See ``Store/makeDurable()``: commits are durable.
    public func makeDurable() {}

    /// See ``Store/publish(_:)``.
    public func publish(_ figures: ManagerFigures) {
        self.figures = figures
    }

    /// See ``Store/unsubscribe(from:)``: the next ``maintain(at:)`` tells the server, since sessions often wait again.
    public func unsubscribe(from tube: TubeName) {
        awaited.remove(tube)
    }

    /// See ``Store/observeChanges(_:)``.
    public func observeChanges(_ handler: @escaping @Sendable (StoreChange) -> Void) {
        self.handler = { handler(.pending) }
        listener.setHandler { handler(.pending) }
    }

    /// See ``Store/hasChangedElsewhere()``: asks the server, at most once per ``Options/lookInterval``.
    public func hasChangedElsewhere() throws(StoreError) -> Bool {
        if let lastLook, .now - lastLook < options.lookInterval { return false }
        lastLook = .now
        var parameters = Parameters()
        parameters.add(manager.rawValue)
        parameters.add(awaited.map(\.text))
        guard let answer = look(.findChanges, parameters) else { return false }
        let others = answer.int64(0, 0)
        defer { lastOthers = others }
        return answer.bool(0, 1) || (lastOthers != nil && others != lastOthers)
    }

    /// See ``Store/lookForNews()``: one statement, which reads one row per awaited tube and per named session.
    public func lookForNews() throws(StoreError) -> News? {
        guard !mustReenter else { return nil }
        var parameters = Parameters()
        parameters.add(awaited.map(\.text))
        let named = Array(references.namedSessions)
        parameters.add(named.map(\.value.rawValue))
        parameters.add(named.map { SessionID(connection: $0.key, of: manager).rawValue })
        guard let answer = look(.lookForNews, parameters) else { return nil }
        var news = News()
        for row in 0..<answer.count {
            if !answer.isNull(row, 1) {
                news.superseded.append(SessionID(rawValue: answer.int64(row, 1)))
            } else if let tube = TubeName(answer.text(row, 0)) {
                news.tubes.append(tube)
            }
        }
        return news
    }

    /// Runs a statement that only reads.
    ///
    /// - Returns: its rows; nil if the server is away. The next batch or the maintenance handles that.
    private func look(_ statement: Statement, _ parameters: Parameters) -> ResultRows? {
        guard let connection, !connection.isBroken else { return nil }
        let deadline = ContinuousClock.now + timeout
        listener.liveUntil(deadline + options.lease)
        defer { listener.liveUntil(.now + options.lease) }
        let answers = try? connection.run([PostgresConnection.Request(statement, parameters)], until: deadline)
        noteWait(until: deadline)
        return answers?.first
    }

    /// Notes that the server was silent, if the time until a deadline is over: the next command does not wait as long again.
    func noteWait(until deadline: ContinuousClock.Instant) {
        if connection?.isBroken ?? true, .now >= deadline { backoff.isLong = true }
    }

    /// Ends as a killed process does: its rows stay, without signs of life.
    ///
    /// For tests of what the other managers do then.
    package func abandon() {
        hasLeft = true
        listener.stop()
        connection = nil
    }

    deinit {
        listener.stop()
    }
}
