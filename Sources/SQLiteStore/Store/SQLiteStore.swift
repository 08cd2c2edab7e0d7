public import TaskStore

/// The store on one SQLite file, shared by the managers of one machine.
///
/// ### The path of a batch
/// A batch waits for its turn among the managers (``WriterLock``), runs as one transaction, and lets the next manager
/// write. While that one writes, ``makeDurable()`` makes sure that the log is synced. No reply may leave before that.
///
/// ### Threads
/// Confined to one thread at a time. It blocks that thread while it waits for its turn, for the disk, and for the lock
/// of another program. Only the handler of ``observeChanges(_:)`` is called from threads of the store's own.
///
/// ### The end
/// ``leave()`` returns everything. An object that is dropped without it leaves what a killed process would leave. The
/// peers clean that up in ``maintain(at:)``, or the next manager does in ``open(path:name:address:at:options:)``.
public final class SQLiteStore: Store {
    /// See ``Store/manager``.
    public internal(set) var manager: ManagerID

    /// What was found at opening: dead managers, and how many of their claims became pending.
    public internal(set) var recoveredAtOpening: [DeadManager] = []

    /// Everything that exists from opening to leaving.
    let parts: Parts

    /// The tubes for which sessions of this manager wait.
    var subscriptions = TubeSubscriptions()

    /// Tubes that this manager subscribes to and in which batches have left more to claim, until ``takeMoreToClaim()``.
    var moreToClaim: [TubeName] = []

    /// When the last heartbeat was written.
    var lastHeartbeat: Int64

    /// When ``maintain(at:)`` last made room.
    var lastUpkeep: Int64

    /// When the last transaction has read the clocks.
    var timeRead = ContinuousClock.now

    /// Finds the peers whose event loops stand still.
    var silenceDetector: SilenceDetector

    /// The difference between claim time and the machine's clock, as it is in the database for SQL; nil if not known.
    var publishedClaimOffset: Int64?

    /// Whether the last heartbeat has left old keys, so that the next one should come soon.
    var hasMoreToRemove = false

    /// The named session at which the last heartbeat stopped looking for idle ones; 0 if it has looked at the last one.
    var lastSessionLookedAt: Int64 = 0

    /// The figures of this process, for the heartbeat.
    var figures = ManagerFigures()

    /// The name of this host, for the table of managers.
    let hostName: String

    /// When this manager last emptied the log, if the table does not say so yet.
    var unwrittenCheckpoint: Timestamp?

    /// The length of the database at the last check.
    var lastLength: Int64 = 0

    var hardLinkWatcher = HardLinkWatcher()

    /// Lines for the program's log, until they are taken.
    var warnings: [String] = []
    var hasLeft = false

    /// Combines the parts; ``join(isAlone:name:address:version:at:)`` has to follow.
    init(_ parts: Parts, hostName: String, silentAfter: Duration, at now: Timestamp) {
        self.parts = parts
        self.hostName = hostName
        self.silenceDetector = SilenceDetector(limit: silentAfter)
        self.manager = parts.tables.manager
        self.lastHeartbeat = now.rawValue
        self.lastUpkeep = now.rawValue
    }

    /// The database's path, for messages.
    var path: String { parts.files.database }

    /// See ``Store/publish(_:)``.
    public func publish(_ figures: ManagerFigures) {
        self.figures = figures
    }

    /// See ``Store/observeChanges(_:)``.
    public func observeChanges(_ handler: @escaping @Sendable (StoreChange) -> Void) {
        do {
            try parts.peerWakeup.setHandler { handler(.pending) }
            try parts.walWatcher?.setHandler { handler(.written) }
        } catch {
            // Changes are then found later, by hasChangedElsewhere() alone.
            warnings.append(error.message)
        }
    }

    /// See ``Store/announceNextWrite()``.
    public func announceNextWrite() -> Bool {
        parts.walWatcher?.arm() ?? false
    }

    /// See ``Store/hasChangedElsewhere()``: one query of SQLite's `data_version`.
    public func hasChangedElsewhere() throws(StoreError) -> Bool {
        do {
            try parts.tables.checkForForeignCommits()
        } catch {
            throw error.beforeCommit(path)
        }
        defer { parts.tables.hasSeenForeignCommit = false }
        return parts.tables.hasSeenForeignCommit
    }

    /// Returns the lines for the program's log that were not taken yet.
    func takeWarnings() -> [String] {
        defer { warnings.removeAll() }
        return warnings
    }
}
