import TaskStore

/// The tables as a batch changes them: every operation in SQL, and what this manager keeps in memory to be quick.
///
/// Knows transactions but no locks and no files. All calls but those of the read-only operations stand within a write
/// transaction.
final class TaskTables {
    let database: Database
    let statements: Statements
    let inserts: [MultiRowInsert]
    let holders: HolderFunction

    /// This manager's number in the tables.
    var manager = ManagerID(rawValue: 0)

    var tubes = TubeCache()
    var nextEvents = NextEvents()
    var named = NamedSessions()
    var recentClaims = RecentClaims()

    /// How long the key of a deleted task is kept, in milliseconds.
    var keyRetention = Int64(QueueRules.keyRetention) * 1000

    // What follows is of the present batch.

    /// The wall time, for delays, pauses, kept keys and what people read.
    var now: Int64 = 0

    /// The claim time, for how long claims last.
    var claimNow: Int64 = 0

    /// Tubes with something to write back or to forget.
    var touched: [Tube] = []

    /// Tubes that were there before the batch and are not any more.
    var removed: [Tube] = []

    /// Sessions whose claim waits.
    var waiting: Set<SessionID> = []

    /// Tubes of claims that came short and wait.
    var cameShort: [TubeName] = []

    /// Whether the batch took up a session that a connection of another manager had.
    var displacesElsewhere = false

    /// Keys that the batch has added.
    var keysAdded: Int64 = 0

    /// What has to be on the disk before the batch's outcomes are told.
    var durability = Durability.nothing

    /// The tubes of the claim that last found nothing; the next claim of the same finds nothing either, until a task
    /// becomes pending.
    var drained: [TubeName]?

    /// The task whose body was last found not to be what was put.
    var damagedTask: Int64?

    /// Whether a look has found commits of others since somebody last set this back.
    var hasSeenForeignCommit = false

    private var dataVersion: Int64 = -1

    /// For how many pages the file is known to have room.
    private var reservedPages: Int64 = 0

    /// In which steps the file grows, in bytes.
    static let growth: Int32 = 1 << 20

    init(_ database: Database) throws(SQLiteError) {
        self.database = database
        // First: there are statements that use its function.
        self.holders = try HolderFunction(database)
        self.statements = try Statements(database)
        self.inserts = try MultiRowInsert.all(database)
    }

    /// Starts a batch within an open transaction.
    func startBatch(at time: StoreClock.Reading) throws(SQLiteError) {
        now = time.wall
        claimNow = time.claim
        durability = .nothing
        try lookForForeignCommits()
    }

    /// Looks whether another connection has committed since the last look, and forgets what it may have changed.
    func lookForForeignCommits() throws(SQLiteError) {
        let statement = statements.dataVersion
        guard try statement.step() else { return }
        let version = statement.int(0)
        statement.reset()
        guard version != dataVersion else { return }
        dataVersion = version
        hasSeenForeignCommit = true
        tubes.dropUnprotected()
        nextEvents.forget()
    }

    /// Runs one operation.
    func perform(_ operation: Operation) throws(SQLiteError) -> Outcome {
        let connection = operation.session
        if !waiting.isEmpty, waiting.contains(connection) { return .heldBack }
        var session = connection
        if !named.isEmpty, operation.action.concernsClaims {
            guard let holder = try holder(for: connection) else { return .displaced }
            session = holder
        }
        switch operation.action {
        case .put(let task):
            return try put(task)
        case .claim(let tubes, let count, let waits):
            let claimed = try claim(tubes, count: count, for: session)
            if waits, claimed.count < count {
                waiting.insert(connection)
                cameShort.append(contentsOf: tubes)
            }
            return .claimed(claimed)
        case .claimTask(let id):
            return try claim(id, for: session)
        case .delete(let id):
            return try delete(id, by: session)
        case .release(let id, let priority, let delay):
            return try release(id, priority: priority, delay: delay, by: session)
        case .bury(let id, let priority):
            return try bury(id, priority: priority, by: session)
        case .touch(let id):
            return try touch(id, by: session)
        case .kick(let tube, let bound, let state):
            return .kicked(try kick(tube, bound: bound, from: state))
        case .kickTask(let id):
            return try kick(id)
        case .peek(let id):
            return try peek(id)
        case .peekNext(let tube, let state):
            return try peek(tube, state)
        case .pause(let tube, let seconds):
            return try pause(tube, seconds: seconds)
        case .taskStatistics(let id):
            return try statistics(of: id)
        case .tubeStatistics(let tube):
            return try statistics(of: tube)
        case .storeStatistics:
            return .store(try storeStatistics())
        case .listTubes:
            return .tubes(try listTubes())
        case .refer(let tube, let using, let watching):
            return try refer(tube, using: using, watching: watching)
        case .expire(let id):
            return try expire(id, of: session)
        case .giveBack:
            if !named.isEmpty, try leaveNamedSession(connection) { return .givenBack(0) }
            return .givenBack(try giveBack(session.rawValue...session.rawValue))
        case .giveBackAll:
            return .givenBack(try giveBackAll(connection))
        case .takeUp(let name):
            return try takeUp(name, for: connection)
        case .clear(let tube, let state, let limit):
            return try clear(tube, state, limit: limit)
        }
    }

    /// Writes what is left to write, before the commit.
    func finishBatch() throws(SQLiteError) {
        try forgetKeysForAdded()
        for tube in touched { try flush(tube) }
        try reserveGrowth()
    }

    /// Makes sure that the database file has room for all its pages before they are committed.
    ///
    /// They go to the log first, and a checkpoint copies them later. Were there no room then, the log could never be
    /// emptied, and on a full disk not even a task could be deleted.
    private func reserveGrowth() throws(SQLiteError) {
        let statement = statements.pageCount
        let pages = try statement.step() ? statement.int(0) : 0
        statement.reset()
        if pages > reservedPages {
            let step = Int64(Self.growth)
            let least = pages * Int64(database.pageSize)
            try database.allocate(bytes: (least + step - 1) / step * step, atLeast: least)
        }
        reservedPages = pages
    }

    /// A bit for each 64th tube number in which other managers may find something after this batch; all where somebody
    /// may wait in vain.
    var announcementMask: UInt64 {
        if displacesElsewhere { return .max }
        return touched.reduce(0) { mask, tube in
            tube.hasMoreToClaim ? mask | tube.bit : mask
        }
    }

    /// Takes the batch into memory, after the commit.
    func commitBatch() {
        for tube in touched {
            let wasProtected = tube.isProtected
            tube.using += tube.usingDelta
            tube.watching += tube.watchingDelta
            tube.endBatch()
            if wasProtected, !tube.isProtected { tubes.lostProtection(tube) }
        }
        named.endBatch(isCommitted: true)
        endBatch()
        tubes.limitUnprotected()
    }

    /// Forgets the batch, after a rollback.
    func abandonBatch() {
        for tube in touched {
            if tube.isNew { tubes.remove(tube) }
            tube.endBatch()
        }
        for tube in removed where tube.isProtected { tubes.insert(tube) }
        nextEvents.forget()
        named.endBatch(isCommitted: false)
        endBatch()
    }

    private func endBatch() {
        touched.removeAll(keepingCapacity: true)
        removed.removeAll()
        cameShort.removeAll()
        displacesElsewhere = false
        keysAdded = 0
        drained = nil
        if !waiting.isEmpty { waiting.removeAll(keepingCapacity: true) }
    }
}
