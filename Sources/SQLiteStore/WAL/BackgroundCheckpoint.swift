import SystemThread
import TaskStore

/// Copies the log into the database, on a thread and a connection of its own, while all managers continue to write.
///
/// What is written during that time is left for a ``Checkpointer`` under the lock. That is little, and the file of the
/// database has just been synced then. That checkpoint runs on the same thread.
///
/// ### What has to hold
/// In SQLite before 3.51.3 the log must not be started over after a checkpoint has read the log's index and before it
/// has locked the log against that (sqlite.org/wal.html, "The WAL-Reset Bug"). And the copy must not reach the end of
/// the log: there SQLite would cut the database to its length, while a batch extends it ahead of need. So a copy begins
/// inside a batch, whose manager holds the writer lock and SQLite's write lock:
///
/// 1. ``begin()``: the thread starts a checkpoint, and stops when the log is locked and nothing is copied yet.
/// 2. The batch commits.
/// 3. ``proceed(hasGrown:)``: if the commit made the log longer, the thread continues, and otherwise it gives up.
///    Before it copies, it checks that the log is whole.
///
/// If SQLite did not copy all of the log, it tells other connections how far the log is copied before it syncs the
/// database. If that sync failed, the log could be started over although the disk does not have the pages. So the
/// database is synced inside the checkpoint (`SQLITE_FCNTL_CKPT_DONE`). If that fails, the thread never leaves the
/// checkpoint: pages that are not on the disk never count as copied, in any process.
///
/// A reader limits how far it comes, as for every checkpoint. If a manager dies during a copy, the next one copies the
/// same again.
final class BackgroundCheckpoint {
    private let shared: BackgroundCheckpointThread
    private var thread: SystemThread?

    /// Opens the thread's connection.
    ///
    /// - Parameters:
    ///   - path: the database.
    ///   - sharedPage: the shared page.
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
        thread = try SystemThread(for: "copying the log") { [shared] in shared.run() }
    }

    deinit {
        stop()
    }

    /// Begins a copy of what is in the log, and waits until it has begun: about 0.1 ms.
    ///
    /// A write transaction is open on the manager's connection, and the writer lock is held. If nothing can be copied
    /// now, it does nothing.
    func begin() {
        guard shared.phase == .resting else { return }
        shared.sharedPage.copied = 0
        shared.sharedPage.copyBegan = shared.sharedPage.logFrames
        shared.phase = .asked
        shared.wait(while: .asked)
    }

    /// Continues the copy, if one has begun.
    ///
    /// - Parameter hasGrown: whether a commit has made the log longer since then; if not, the copy is given up.
    func proceed(hasGrown: Bool) {
        guard shared.phase == .begun else { return }
        if !hasGrown { shared.sharedPage.copyBegan = 0 }
        shared.phase = hasGrown ? .copying : .givenUp
    }

    /// The error of a failed write or sync, if there was one.
    ///
    /// It is not known then what the disk holds of the database.
    var failure: StoreError? { shared.failure }

    /// Waits for the end of a copy that has begun.
    func waitUntilDone() {
        shared.wait(while: .copying)
        shared.wait(while: .givenUp)
    }

    /// Runs a checkpoint on the thread and waits for its end.
    ///
    /// A copy that has begun ends first.
    ///
    /// The writer lock is held, no transaction is open on the manager's connection.
    ///
    /// - Parameter mode: as for ``Database/checkpoint(_:)``.
    /// - Returns: the same as ``Database/checkpoint(_:)``.
    /// - Throws: SQLite's error. If ``failure`` is set, the database is not on the disk.
    func checkpoint(_ mode: Int32) throws(SQLiteError) -> Database.CheckpointResult {
        waitUntilDone()
        guard shared.phase == .resting else { throw SQLiteError(copierHasFailed: ()) }
        shared.mode = mode
        shared.phase = .checkpoint
        shared.wait(while: .checkpoint)
        guard let result = shared.result else { throw SQLiteError(copierHasFailed: ()) }
        return try result.get()
    }

    /// Ends the thread, after a copy that has begun, and closes its connection.
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
