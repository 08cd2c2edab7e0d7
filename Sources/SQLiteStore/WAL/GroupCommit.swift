import CPlatform
import TaskStore

/// What has to be on the disk before the outcomes of a batch are told.
enum Durability: Comparable {
    /// Nothing: it is no harm if a power cut undoes all of it.
    case nothing

    /// Every commit before the batch's own: it has only claimed tasks for connections. A power cut ends the connections too,
    /// and with them such claims, on the disk or not; but a task that was handed out has to be there afterwards.
    case earlierCommits

    /// The batch's own commit.
    case everything
}

/// Makes commits durable, with the help of the other managers' syncs.
///
/// A sync covers all that was committed before it began, whoever committed it. A commit that its manager is going to sync has
/// a number, the **promised** one; who has synced says up to which number all is on the disk. A batch that only claims
/// tasks leaves out its own sync: it waits for that of the manager whose task it found, which began before.
///
/// Nobody depends on anybody: a manager that dies or is stopped in the middle of its sync is waited for ``patience`` long, and
/// then this one syncs by itself, which is always right.
///
/// Two managers that tried to share the syncs of all their batches were no faster: everybody waits for the slowest then.
final class GroupCommit {
    private let log: WALSync
    private let sharedPage: SharedPage
    private let slot: Int
    private let patience: Duration

    /// What has to be on the disk of the commits since the last sync.
    private var owed = Durability.nothing

    /// Up to which number others have to have synced, where they are waited for.
    private var awaitedCommit: UInt64 = 0

    /// How often this manager has synced.
    private(set) var count = 0

    /// The writer lock is held.
    ///
    /// - Parameters:
    ///   - log: the log.
    ///   - sharedPage: where managers tell each other.
    ///   - slot: this manager's slot.
    ///   - patience: for how long to wait for another manager's sync.
    init(_ log: WALSync, sharedPage: SharedPage, slot: Int, patience: Duration) {
        self.log = log
        self.sharedPage = sharedPage
        self.slot = slot
        self.patience = patience
        // What a power cut has left of the words may be of two moments.
        sharedPage.promised = max(sharedPage.promised, sharedPage.synced)
    }

    /// Notes a commit, which is going to be followed by a ``sync()`` where it says so.
    ///
    /// The writer lock is held.
    ///
    /// - Parameters:
    ///   - durability: what has to be on the disk before its outcomes are told.
    ///   - place: where it stands in the log; none where there was nothing to write. What other programs have put between
    ///     the last commit of a manager and this one gets this one's number, and is covered by its sync; if that is left
    ///     out, whoever waits for it syncs.
    func recordCommit(_ durability: Durability, at place: WALPosition?) {
        var debt = durability
        if let place {
            let isNext = place.follows(frames: sharedPage.logFrames)
            // First the frames: a manager that reads the new salt must not find the frames of the log before it.
            sharedPage.logFrames = place.frames
            // The log was started over, by this commit or by another program's.
            if place.start == 0 || !isNext { sharedPage.logSalt = log.salt ?? sharedPage.logSalt }
            if durability == .everything || !isNext { sharedPage.promised += 1 }
            if durability == .earlierCommits, !isNext { debt = .everything }
        }
        if debt == .earlierCommits { awaitedCommit = sharedPage.promised }
        owed = max(owed, debt)
    }

    /// Returns once the outcomes of all commits so far may be told.
    ///
    /// - Throws: ``StoreError/Code/lost``.
    func sync() throws(StoreError) {
        if owed == .earlierCommits,
            sharedPage.synced >= awaitedCommit || sharedPage.waitUntilSynced(awaitedCommit, until: .now + patience)
        {
            owed = .nothing
            return try log.checkItHasName()
        }
        try syncNow()
        count += 1
        owed = .nothing
        try log.checkItHasName()
    }

    /// Syncs the log, whether or not that is owed.
    ///
    /// - Throws: ``StoreError/Code/lost``; the store is suspect then.
    func syncNow() throws(StoreError) {
        // Both before the sync: what comes later may not be covered.
        let promised = sharedPage.promised
        let end = sharedPage.logEnd
        sharedPage.set(.sync, of: slot)
        do {
            try log.sync()
        } catch {
            // The mark stays: it says the same if this process dies before the next line.
            sharedPage.hasIOFailed = true
            throw error
        }
        sharedPage.clear(.sync, of: slot)
        sharedPage.acknowledge(end)
        sharedPage.raiseSynced(to: promised)
    }
}
