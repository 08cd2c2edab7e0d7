import TaskStore

/// Runs operations as SQL on the tables, and keeps in memory what saves reading.
///
/// Knows transactions, but no locks and no files. All calls need an open write transaction, except those of read-only
/// operations. Each verb has a file with its statements and its functions. What happens to a task in any of them is in
/// `TaskTables+LifeCycle.swift`.
///
/// Confined to the store's thread.
final class TaskTables {
    let database: Database
    let statements: Statements
    let holderFunction: HolderFunction

    /// This manager's number in the tables.
    var manager = ManagerID(rawValue: 0)

    var tubes = TubeCache()
    var nextEvents = NextEvents()
    var namedSessions = NamedSessions()
    var recentClaims = RecentClaims()

    /// How long the key of a deleted task is kept, in milliseconds.
    var keyRetention = Int64(QueueRules.keyRetention) * 1000

    // What follows belongs to the present batch.

    /// The wall time: for delays, pauses, kept keys and the columns that people read.
    var now: Int64 = 0

    /// The claim time: for the length of claims.
    var claimNow: Int64 = 0

    /// Tubes with changes to write back or to forget.
    var changedTubes: [Tube] = []

    /// Tubes that existed before the batch and were removed by it.
    var removedTubes: [Tube] = []

    /// Sessions whose claim waits for a task.
    var waitingSessions: Set<SessionID> = []

    /// Tubes of claims that wait because they found too few tasks.
    var unsatisfiedTubes: [TubeName] = []

    /// Whether the batch took a named session from a connection of another manager.
    var supersedesElsewhere = false

    /// The statistics of the store in this batch; nil if they may have changed.
    var knownStatistics: StoreStatistics?

    /// The names of all tubes in this batch; nil if they may have changed.
    var knownList: [TubeName]?

    /// How many keys the batch has added.
    var keysAdded: Int64 = 0

    /// How many claims the batch may still bring to named sessions, or read from them.
    var attachRoom = Batch.mostRows

    /// What must be on the disk before the batch's outcomes are told.
    var durability = Durability.nothing

    /// The tubes of the last claim that found too few tasks.
    ///
    /// Another claim from the same tubes finds nothing until a task becomes pending.
    var exhaustedTubes: [TubeName]?

    /// The last task whose body was found to be damaged; see ``takeDamagedTask()``.
    var damagedTask: Int64?

    /// Whether a commit of another connection was seen since this was last set to false.
    var hasSeenForeignCommit = false

    private var dataVersion: Int64 = -1

    /// The number of pages for which the file is known to have room.
    private var reservedPages: Int64 = 0

    /// The file grows in steps of this many bytes.
    static let growth: Int32 = 1 << 20

    init(_ database: Database) throws(SQLiteError) {
        self.database = database
        // Before the statements: some of them use its function.
        self.holderFunction = try HolderFunction(database)
        self.statements = try Statements(database)
    }

    /// Starts a batch within an open transaction.
    func startBatch(at time: StoreClock.Reading) throws(SQLiteError) {
        now = time.wall
        claimNow = time.claim
        durability = .nothing
        try checkForForeignCommits()
    }

    /// Checks whether another connection has committed since the last check, and drops what that may have changed.
    func checkForForeignCommits() throws(SQLiteError) {
        let statement = statements.transaction.dataVersion
        guard try statement.step() else { return }
        let version = statement.int(0)
        statement.reset()
        guard version != dataVersion else { return }
        dataVersion = version
        hasSeenForeignCommit = true
        tubes.dropUnprotected()
        nextEvents.invalidate()
    }

    /// Writes what is left to write before the commit.
    func finishBatch() throws(SQLiteError) {
        try removeKeysForAdded()
        for tube in changedTubes { try writeChanges(of: tube) }
        try reserveGrowth()
    }

    /// Makes sure that the database file has room for all its pages before they are committed.
    ///
    /// They go to the log first, and a checkpoint copies them later. If there were no room then, the log could never be
    /// emptied, and on a full disk not even a delete would be possible.
    private func reserveGrowth() throws(SQLiteError) {
        let statement = statements.transaction.pageCount
        let pages = try statement.step() ? statement.int(0) : 0
        statement.reset()
        if pages > reservedPages {
            let step = Int64(Self.growth)
            let least = pages * Int64(database.pageSize)
            try database.allocate(bytes: (least + step - 1) / step * step, atLeast: least)
        }
        reservedPages = pages
    }

    /// The tubes in which other managers may find a task after this batch: one bit per 64th tube number.
    ///
    /// All bits are set if a waiting session of another manager may have lost its named session.
    var announcementMask: UInt64 {
        if supersedesElsewhere { return .max }
        return changedTubes.reduce(0) { mask, tube in
            tube.hasMoreToClaim ? mask | tube.bit : mask
        }
    }

    /// Takes the batch's changes over into memory, after the commit.
    func commitBatch() {
        for tube in changedTubes {
            let wasProtected = tube.isProtected
            tube.using += tube.usingDelta
            tube.watching += tube.watchingDelta
            tube.endBatch()
            if wasProtected, !tube.isProtected { tubes.noteUnprotected(tube) }
        }
        namedSessions.endBatch(isCommitted: true)
        endBatch()
        tubes.limitUnprotected()
    }

    /// Drops the batch's changes, after a rollback.
    func abandonBatch() {
        for tube in changedTubes {
            if tube.isNew { tubes.remove(tube) }
            tube.endBatch()
        }
        for tube in removedTubes where tube.isProtected { tubes.insert(tube) }
        nextEvents.invalidate()
        namedSessions.endBatch(isCommitted: false)
        endBatch()
    }

    private func endBatch() {
        changedTubes.removeAll(keepingCapacity: true)
        removedTubes.removeAll()
        unsatisfiedTubes.removeAll()
        supersedesElsewhere = false
        keysAdded = 0
        forgetTubes()
        attachRoom = Batch.mostRows
        exhaustedTubes = nil
        if !waitingSessions.isEmpty { waitingSessions.removeAll(keepingCapacity: true) }
    }
}
