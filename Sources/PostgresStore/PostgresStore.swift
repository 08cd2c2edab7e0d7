public import TaskStore

/// The store on a PostgreSQL server, shared by managers on any number of hosts.
///
/// ### A batch's way
/// Two round trips: `BEGIN` and a function that runs all of it, then the counts, the proof that this manager's lease still
/// holds, and `COMMIT`. A batch that changes nothing is one. The server makes a commit durable before it answers, so
/// ``makeDurable()`` has nothing to do.
///
/// ### Losing the server
/// A batch waits for the server up to ``Options/timeout`` and then fails; the next one tries again. If the answer to a
/// `COMMIT` was lost, the server is asked what became of the transaction before any client is told anything.
///
/// ### Locks of other programs
/// A program may change tasks in a transaction of its own and take its time to commit it. A batch that meets such a lock gives
/// up after ``lockTimeout`` and is run again in a careful way, as those that follow it for a while: it takes the locks that
/// are free, leaves the operations for which one is not (``Outcome/locked``), and writes its counts as changes that are
/// added up later.
///
/// ### Threads
/// Confined to one thread at a time, which it blocks. Only the handler of ``observeChanges(_:)`` is called from a thread
/// of the store's own, and from within ``run(_:)``.
public final class PostgresStore: Store {
    /// What can be set, with values that fit.
    public struct Options: Sendable {
        /// For how long a batch waits for a server that does not answer.
        public var timeout = Duration.seconds(10)

        /// For how long a manager may be silent before the others take its claims back.
        public var lease = Duration.seconds(5)

        /// Which of a process's several stores this is; for people who look at the table of managers.
        public var lane = 0

        /// How long the key of a deleted task is kept from being put again, in seconds.
        public var uniqueRetention = QueueRules.keyRetention

        /// The program's version, for people who look at the table of managers.
        public var version = ""

        /// The schema that has the tables.
        public var schema = "beanrow"

        /// How often ``PostgresStore/hasChangedElsewhere()`` asks the server, at most.
        public var lookInterval = Duration.seconds(1)

        /// Whether batches say what time it is, and not the server; for tests, whose time goes when told.
        package var usesBatchTime = false

        /// The options that fit most.
        public init() {}
    }

    /// How long a batch waits for a lock, in milliseconds.
    ///
    /// What managers lock is free after a few.
    static let lockTimeout = 50

    /// See ``Store/manager``; another number after the lease was lost.
    public internal(set) var manager = ManagerID(rawValue: 0)

    /// What was found at opening: managers that had died, and how many of their claims became pending.
    public internal(set) var recoveredAtOpening: [DeadManager] = []

    /// What the server's settings mean for what this manager promises: lines for the log, and whether each is a warning.
    public internal(set) var durability: [(line: String, isWarning: Bool)] = []

    let options: Options
    let address: String
    let name: String
    let listeningAddress: String

    /// The connection; none while the server is away.
    var link: Link?

    /// When the server was lost, and what has been tried since.
    var outage = Outage()

    let listener: Listener
    let connector: Connector
    var handler: (@Sendable () -> Void)?

    /// What this manager's connections have.
    var members = Members()

    /// Tubes that sessions wait for.
    var awaited: Set<TubeName> = []

    /// Tubes that the server knows sessions to wait for; some for a while longer than they do.
    var announced: Set<TubeName> = []

    /// How many batches have changed something.
    var batches: Int64 = 0

    /// What the server knows as this manager's fence; see `last_batch_1` in `functions-managers.sql`.
    var fence: Int64 = 0

    /// How many batches are still to be run before another order of operations is tried again.
    var batchesUntilHope = 0

    /// How many batches are still to be run before the quick way is tried again.
    var batchesUntilPlain = 0

    /// The sessions' claims were lost and nobody has been told yet.
    var hasLostClaims = false

    /// The fate of a batch could not be found out: whatever it claimed is given up with this manager's number.
    var mustReenter = false

    /// What is known of the other managers.
    var judge: Judge

    /// What is known of the server's clock.
    var clock = ServerClock()

    /// Just before the last batch was sent.
    var sent = ContinuousClock.now

    /// Until then batches wait for no lock of another program.
    var carefulUntil: ContinuousClock.Instant?

    /// Since when the sessions' commands meet another program's lock.
    var lockedSince: [SessionID: ContinuousClock.Instant] = [:]

    /// Holders that are gone and of which claims are still to be returned.
    var leftovers: [Int64] = []

    /// Whether other managers have seen a heartbeat time of this one lately.
    var lastBeat = ContinuousClock.now
    var lastTidying = ContinuousClock.now
    var lastLook: ContinuousClock.Instant?
    var lastOthers: Int64?
    var hasLeft = false

    init(_ address: String, name: String, listeningAddress: String, _ options: Options) {
        self.address = address
        self.name = name
        self.listeningAddress = listeningAddress
        self.options = options
        self.judge = Judge(lease: options.lease)
        self.listener = Listener(address: address, schema: options.schema, lease: options.lease)
        let setup = Self.setup(options)
        self.connector = Connector(address, limit: max(options.timeout, .seconds(4))) {
            (link, limit) throws(PostgresError) in
            try link.execute(setup, until: limit)
            try link.startPipeline(until: limit)
        }
    }

    /// See ``Store/makeDurable()``: the commit was.
    public func makeDurable() {}

    /// See ``Store/awaits(_:)``.
    public func awaits(_ tube: TubeName) {
        awaited.insert(tube)
        // Where the server is away, it is told with the next batch.
        try? announce()
    }

    /// See ``Store/stopsAwaiting(_:)``; the server is told with the next ``maintain(at:)``, since sessions often wait again.
    public func stopsAwaiting(_ tube: TubeName) {
        awaited.remove(tube)
    }

    /// See ``Store/observeChanges(_:)``.
    public func observeChanges(_ handler: @escaping @Sendable (StoreChange) -> Void) {
        self.handler = { handler(.pending) }
        listener.setHandler { handler(.pending) }
    }

    /// See ``Store/hasChangedElsewhere()``: asks the server, but seldom.
    public func hasChangedElsewhere() throws(StoreError) -> Bool {
        if let lastLook, .now - lastLook < options.lookInterval { return false }
        lastLook = .now
        guard let link, !link.isBroken else { return false }
        listener.lives(until: .now + options.timeout + options.lease)
        defer { listener.lives(until: .now + options.lease) }
        var parameters = Parameters()
        parameters.add(manager.rawValue)
        parameters.add(awaited.map(\.text))
        do {
            let answer = try link.run([Link.Request(.look, parameters)], until: .now + options.timeout)[0]
            let others = answer.int64(0, 0)
            defer { lastOthers = others }
            return answer.bool(0, 1) || (lastOthers != nil && others != lastOthers)
        } catch {
            // The next batch, or the maintenance, deals with it.
            return false
        }
    }

    /// Ends as a killed process would: everything stays as it is, but nobody speaks for it any more.
    ///
    /// For tests of what peers do then.
    package func abandon() {
        hasLeft = true
        listener.stop()
        link = nil
    }

    deinit {
        listener.stop()
    }
}
