public import TaskStore

/// The store on one SQLite file, shared by the managers of one machine.
///
/// ### A batch's way
/// Wait for the turn among the managers (``WriterLock``), one transaction, give the turn on, and then, with the next
/// manager already writing, ``makeDurable()`` sees to it that the log is synced. No reply may leave before that.
///
/// ### Threads
/// Confined to one thread at a time, which it blocks: while it waits for its turn, for the disk, and for another
/// program's lock. Only the handler of ``observeChanges(_:)`` is called from threads of the store's own.
///
/// ### Ends
/// ``leave()`` gives everything back. An object that is dropped without it leaves what a killed process would leave,
/// and the peers clean up after it in ``maintain(at:)``, or the next manager in ``open(path:name:address:at:options:)``.
public final class SQLiteStore: Store {
    /// What can be set, with values that fit.
    public struct Options: Sendable {
        /// For how many milliseconds a batch waits for another program (not a manager) that holds SQLite's write lock.
        public var busyTimeout: Int32 = 250

        /// How much of the database is kept in memory, in KiB.
        public var cacheSize = 4_096

        /// How long the key of a deleted task is kept from being put again, in seconds.
        public var uniqueRetention = QueueRules.keyRetention

        /// How long the log may become, in bytes, where a reader keeps it from being emptied.
        ///
        /// Beyond it puts are answered with ``Outcome/storageFull``, beyond twice as much nothing is written.
        public var mostLogBytes = 1 << 30

        /// Whether a database to which other paths lead may be used, by this manager alone.
        ///
        /// As long as it runs nothing else can open the database, by whatever path.
        public var allowsLinks = false

        /// For how long a batch that only claims tasks waits for another manager's sync before it syncs by itself; more than
        /// a sync takes, and no more than a client would notice.
        public var patience = Duration.milliseconds(5)

        /// After how long without a turn of its event loop another manager counts as silent.
        var silence = Duration.seconds(2)

        /// Where the time comes from.
        var clock = StoreClock.Source.machine

        /// The permissions of a database file that is made; the files beside it get those of the database.
        ///
        /// They are set as they are here, whatever the process's umask says.
        public var fileMode: UInt32 = 0o600

        /// The program's version, for people who look at the table of managers.
        public var version = ""

        /// The options that fit most.
        public init() {}
    }

    /// See ``Store/manager``.
    public internal(set) var manager: ManagerID

    /// What was found at opening: managers that had died, and how many of their claims became pending.
    public internal(set) var recoveredAtOpening: [DeadManager] = []

    /// Everything that is there from opening to leaving.
    let parts: Parts

    var subscriptions = TubeSubscriptions()

    /// Tubes that this manager subscribes to and in which batches have left more to claim, until ``takeMoreToClaim()``.
    var moreToClaim: [TubeName] = []
    var lastHeartbeat: Int64
    var lastUpkeep: Int64

    /// When the last transaction has read the clocks.
    var timeRead = ContinuousClock.now

    /// Which peers have not been heard of for long.
    var silenceDetector: SilenceDetector

    /// What turns the machine's clock into claim time, as it stands in the database for SQL; nil if not known.
    var publishedClaimOffset: Int64?

    /// The last heartbeat has left something for one that comes soon.
    var hasMoreToForget = false

    /// How long the database was when it was last looked at.
    var lastLength: Int64 = 0

    var hardLinkWatcher = HardLinkWatcher()

    /// Lines for the log, until they are asked for.
    var warnings: [String] = []
    var hasLeft = false

    /// What an open store is made of.
    struct Parts {
        let files: StoreFiles
        let identities: (database: FileIdentity, lock: FileIdentity, sharedMemory: FileIdentity)
        /// Before the database: whoever closes its connection last would empty the log.
        let backgroundCheckpoint: BackgroundCheckpoint
        /// Set if the database has other paths and is this manager's alone.
        let exclusiveUse: ExclusiveUse?
        let database: Database
        let tables: TaskTables
        let clock: StoreClock
        let writerLock: WriterLock
        let sharedPage: SharedPage
        let livenessLock: LivenessLock
        let tubeNotifications: TubeNotifications
        let peerWakeup: PeerWakeup
        let walWatcher: WALWatcher?
        let walSync: WALSync
        let groupCommit: GroupCommit
        let checkpointer: Checkpointer
        let diskReserve: DiskReserve
    }

    /// Puts the parts together; ``join(isAlone:name:address:version:at:)`` has to follow.
    init(_ parts: Parts, silence: Duration, at now: Timestamp) {
        self.parts = parts
        self.silenceDetector = SilenceDetector(limit: silence)
        self.manager = parts.tables.manager
        self.lastHeartbeat = now.rawValue
        self.lastUpkeep = now.rawValue
    }

    /// See ``Store/makeDurable()``: one `fdatasync` of the log, or none where another manager's serves (``GroupCommit``).
    public func makeDurable() throws(StoreError) {
        try makeDurable(lockHeld: false)
    }

    /// Syncs, and makes sure that no manager has reason to distrust the disk.
    func makeDurable(lockHeld: Bool) throws(StoreError) {
        do {
            try parts.groupCommit.sync()
        } catch {
            // It is this manager's own error that is to be told.
            try? checkNoIOFailure()
            throw error
        }
        do {
            try recoverFromDeadSyncs(lockHeld: lockHeld)
        } catch {
            // The batch has been committed: whatever it was, it must not be answered as if nothing had happened.
            throw StoreError(.lost, error.message)
        }
        try checkNoIOFailure()
    }

    /// See ``Store/observeChanges(_:)``.
    public func observeChanges(_ handler: @escaping @Sendable (StoreChange) -> Void) {
        do {
            try parts.peerWakeup.setHandler { handler(.pending) }
            try parts.walWatcher?.setHandler { handler(.written) }
        } catch {
            // Slower then: by hasChangedElsewhere() alone.
            warnings.append(error.message)
        }
    }

    /// See ``Store/announceNextWrite()``.
    public func announceNextWrite() -> Bool {
        parts.walWatcher?.arm() ?? false
    }
}
