import TaskStore

/// Copies the log into the database, on a thread and a connection of its own, while all managers go on writing.
///
/// What has been written since is left for a ``Checkpointer`` under the lock: little, and on a database whose file has just
/// been synced. That checkpoint runs on the same thread.
///
/// ### What has to hold
/// SQLite before 3.51.3 must not find the log started over between its look at the log's index and the moment when it has
/// locked the log against that (sqlite.org/wal.html, "The WAL-Reset Bug"). And it must not come to the log's end: there it
/// would cut the database to its length, while a batch makes it longer ahead of need. So a copy begins inside a
/// batch, whose manager holds the writer lock and SQLite's write lock:
///
/// 1. ``begin()``: the thread starts a checkpoint and stops where the log is locked and nothing is copied yet.
/// 2. The batch commits.
/// 3. ``proceed(hasGrown:)``: if that made the log longer the thread goes on, and otherwise gives up. Before it copies it
///    looks whether the log is whole.
///
/// SQLite tells other connections how far the log is copied before the database is synced, if it did not copy all of it. If
/// that sync then failed, the log could be started over although the disk does not have the pages. So the database is synced
/// inside the checkpoint (`SQLITE_FCNTL_CKPT_DONE`), and if that fails the thread never leaves it: pages that are not on the
/// disk never count as copied, in no process.
///
/// A reader bounds how far it comes, as it does for every checkpoint. A manager that dies in the middle leaves nothing
/// behind: what it has copied, the next one copies again.
final class BackgroundCheckpoint {
    private let shared: BackgroundCheckpointThread
    private var thread: StoreThread?

    /// Opens the thread's connection.
    ///
    /// - Parameters:
    ///   - path: the database.
    ///   - sharedPage: the managers' words.
    ///   - slot: this manager's slot.
    ///   - log: the log.
    /// - Throws: ``StoreError/Code/unusable``.
    init(path: String, sharedPage: SharedPage, slot: Int, log: WALSync) throws(StoreError) {
        shared = BackgroundCheckpointThread(path: path, sharedPage: sharedPage, slot: slot, log: log)
        do {
            try shared.open()
        } catch {
            throw error.whileOpening(path)
        }
        thread = try StoreThread(for: "copying the log") { [shared] in shared.run() }
    }

    deinit {
        stop()
    }

    /// Begins a copy of what is in the log, and waits until that is known for sure: some 0.1 ms.
    ///
    /// A write transaction is open on the manager's connection, and the writer lock is held. If nothing can be copied now
    /// nothing is.
    func begin() {
        guard shared.phase == .resting else { return }
        shared.sharedPage.copied = 0
        shared.sharedPage.copyBegan = shared.sharedPage.logFrames
        shared.phase = .asked
        shared.wait(while: .asked)
    }

    /// Lets the copy go on, if one has begun.
    ///
    /// - Parameter hasGrown: whether a commit has made the log longer since; if not, the copy is given up.
    func proceed(hasGrown: Bool) {
        guard shared.phase == .begun else { return }
        if !hasGrown { shared.sharedPage.copyBegan = 0 }
        shared.phase = hasGrown ? .copying : .givenUp
    }

    /// The error of a failed write or sync, if there was one: what the disk holds of the database is not known then.
    var failure: StoreError? { shared.failure }

    /// Waits for the end of a copy that is under way.
    func waitUntilDone() {
        shared.wait(while: .copying)
        shared.wait(while: .givenUp)
    }

    /// Runs a checkpoint on the thread and waits for its end; a copy that is under way ends first.
    ///
    /// The writer lock is held, no transaction is open on the manager's connection.
    ///
    /// - Parameter mode: as for ``Database/checkpoint(_:)``.
    /// - Returns: the same as ``Database/checkpoint(_:)``.
    /// - Throws: what SQLite answered. If ``failure`` is set, the database is not on the disk.
    func checkpoint(_ mode: Int32) throws(SQLiteError) -> Database.CheckpointResult {
        waitUntilDone()
        guard shared.phase == .resting else { throw SQLiteError(copierHasFailed: ()) }
        shared.mode = mode
        shared.phase = .checkpoint
        shared.wait(while: .checkpoint)
        guard let result = shared.result else { throw SQLiteError(copierHasFailed: ()) }
        return try result.get()
    }

    /// Ends the thread, after a copy that is under way, and closes its connection.
    ///
    /// A thread whose sync has failed does not end before the process does.
    func stop() {
        guard let thread else { return }
        self.thread = nil
        proceed(hasGrown: false)
        waitUntilDone()
        guard shared.phase != .failed else { return }
        shared.phase = .ending
        thread.join()
        shared.close()
    }
}
