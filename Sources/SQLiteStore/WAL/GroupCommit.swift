import CPlatform
import TaskStore

/// Makes commits durable, if possible with the syncs of other managers (group commit).
///
/// A sync covers everything that was committed before it began, by any manager. A commit that its manager is going to
/// sync gets a number, the **promised** one. After its sync a manager publishes the number up to which all commits are
/// on the disk. A batch that only claims tasks does not sync: it waits for the sync of the manager whose task it found,
/// which began earlier.
///
/// No manager depends on another one. If a manager dies or is stopped during its sync, the others wait for ``patience``
/// and then sync by themselves, which is always correct.
///
/// Sharing the syncs of all batches was tried with two managers and was not faster: each waits for the slower one then.
final class GroupCommit {
    private let log: WALSync
    private let sharedPage: SharedPage
    private let slot: Int
    private let patience: Duration

    /// What must be on the disk of the commits since the last sync.
    private var required = Durability.nothing

    /// The number up to which other managers must have synced, if this manager waits for them.
    private var awaitedCommit: UInt64 = 0

    /// The number of syncs of this manager.
    private(set) var count = 0

    /// The writer lock is held.
    ///
    /// - Parameters:
    ///   - log: the log.
    ///   - sharedPage: the shared page.
    ///   - slot: this manager's slot.
    ///   - patience: how long to wait for another manager's sync.
    init(_ log: WALSync, sharedPage: SharedPage, slot: Int, patience: Duration) {
        self.log = log
        self.sharedPage = sharedPage
        self.slot = slot
        self.patience = patience
        // After a power cut the two words may be of different moments.
        sharedPage.promised = max(sharedPage.promised, sharedPage.synced)
    }

    /// Records a commit.
    ///
    /// ``sync()`` has to follow if its outcomes need durability.
    ///
    /// The writer lock is held.
    ///
    /// - Parameters:
    ///   - durability: what must be on the disk before its outcomes are told.
    ///   - position: its position in the log; nil if there was nothing to write. What other programs have committed
    ///     between the last commit of a manager and this one gets this one's number, and is covered by its sync. If
    ///     there is no such sync, the manager that waits for it syncs.
    func recordCommit(_ durability: Durability, at position: WALPosition?) {
        var needed = durability
        if let position {
            let isNext = position.follows(frames: sharedPage.logFrames)
            // First the frames: a manager that reads the new salt must not find the number of frames of the old log.
            sharedPage.logFrames = position.frames
            // The log was started over, by this commit or by one of another program.
            if position.start == 0 || !isNext { sharedPage.logSalt = log.salt ?? sharedPage.logSalt }
            if durability == .everything || !isNext { sharedPage.promised += 1 }
            if durability == .earlierCommits, !isNext { needed = .everything }
        }
        if needed == .earlierCommits { awaitedCommit = sharedPage.promised }
        required = max(required, needed)
    }

    /// What a successful sync covers.
    struct Coverage {
        /// The number of the last commit that is on the disk.
        fileprivate let promised: UInt64

        /// The end of the log at that commit.
        fileprivate let end: WALPoint
    }

    /// Returns when all commits so far are synced.
    ///
    /// Their outcomes may be told if no sync of another manager has failed (``SQLiteStore/makeDurable()``).
    ///
    /// - Returns: what has to be published before that; nil if another manager's sync covers these commits.
    /// - Throws: ``StoreError/Code/lost``.
    func sync() throws(StoreError) -> Coverage? {
        if required == .earlierCommits,
            sharedPage.synced >= awaitedCommit || sharedPage.waitUntilSynced(awaitedCommit, until: .now + patience)
        {
            required = .nothing
            try log.checkHasName()
            return nil
        }
        let coverage = try syncNow()
        count += 1
        required = .nothing
        try log.checkHasName()
        return coverage
    }

    /// Tells the other managers what a sync covers, and records that clients may be told of it.
    func publish(_ coverage: Coverage) {
        sharedPage.acknowledge(coverage.end)
        sharedPage.raiseSynced(to: coverage.promised)
    }

    /// Syncs the log, whether or not that is required.
    ///
    /// - Returns: what it covers, for ``publish(_:)``.
    /// - Throws: ``StoreError/Code/lost``; ``SharedPage/hasIOFailed`` is set then.
    func syncNow() throws(StoreError) -> Coverage {
        // Both are read before the sync, which may not cover later commits.
        let coverage = Coverage(promised: sharedPage.promised, end: sharedPage.logEnd)
        sharedPage.set(.sync, of: slot)
        do {
            try log.sync()
        } catch {
            // The mark stays: it has the same meaning if this process dies before the next line.
            sharedPage.hasIOFailed = true
            throw error
        }
        sharedPage.clear(.sync, of: slot)
        return coverage
    }
}
