import CPlatform
import CSQLite
import Synchronization
import TaskStore

/// The thread of a ``BackgroundCheckpoint``, and what it shares with its owner.
///
/// `@unchecked Sendable`: the two use the properties in turns, and ``phase`` says whose turn it is. The phase is one
/// word, which is read and written with atomic operations only. It is not an `Atomic`, on which a thread cannot sleep.
final class BackgroundCheckpointThread: @unchecked Sendable {
    enum Phase: UInt64 {
        /// Nothing to do. The owner sets the next phase.
        case resting

        /// A copy should begin. The thread sets the next phase.
        case asked

        /// The thread has stopped inside its checkpoint. The owner sets the next phase.
        case begun

        /// The thread copies, or is about to. The thread sets the next phase.
        case copying

        /// The thread should leave its checkpoint again. The thread sets the next phase.
        case givenUp

        /// A checkpoint should run, without a stop in the middle. The thread sets the next phase.
        case checkpoint

        /// The thread should end.
        case ending

        /// The database could not be synced. The thread stays inside its checkpoint until the process ends.
        case failed
    }

    let path: String
    let sharedPage: SharedPage
    let slot: Int
    let log: WALSync

    /// The checkpoint of ``Phase/checkpoint``, and its result.
    private struct Request {
        var mode: Int32 = SQLITE_CHECKPOINT_PASSIVE
        var result: Result<Database.CheckpointResult, SQLiteError>?
    }

    private let request = Mutex(Request())
    private let firstFailure = Mutex<StoreError?>(nil)
    private var database: Database?
    private let word = UnsafeMutablePointer<UInt64>.allocate(capacity: 1)

    init(path: String, sharedPage: SharedPage, slot: Int, log: WALSync) {
        self.path = path
        self.sharedPage = sharedPage
        self.slot = slot
        self.log = log
        word.initialize(to: Phase.resting.rawValue)
    }

    deinit {
        word.deallocate()
    }

    /// The mode of the checkpoint of ``Phase/checkpoint``.
    var mode: Int32 {
        get { request.withLock { $0.mode } }
        set { request.withLock { $0.mode = newValue } }
    }

    /// Its result.
    var result: Result<Database.CheckpointResult, SQLiteError>? {
        get { request.withLock { $0.result } }
        set { request.withLock { $0.result = newValue } }
    }

    /// See ``BackgroundCheckpoint/failure``.
    var failure: StoreError? { firstFailure.withLock { $0 } }

    /// The phase.
    ///
    /// Setting it wakes a thread that sleeps until it changes.
    var phase: Phase {
        get { Phase(rawValue: beanrow_load(word)) ?? .ending }
        set {
            beanrow_store(word, newValue.rawValue)
            beanrow_wake_waiting(word)
        }
    }

    /// Sleeps during a phase.
    func wait(while phase: Phase) {
        while self.phase == phase { beanrow_wait_for(word, phase.rawValue, -1) }
    }

    /// Opens the connection, before the thread starts.
    func open() throws(SQLiteError) {
        let database = try Database(path: path)
        // NORMAL: a checkpoint syncs the log before it copies. It does not wait for a reader, which may take very long,
        // while all managers would wait too.
        try database.execute("PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 0; PRAGMA cache_size = 1")
        try database.execute("PRAGMA journal_size_limit = \(Checkpointer.bytes * 2)")
        database.setChunkSize(bytes: TaskTables.growth)
        database.setBusyTimeout(milliseconds: 0)
        // Unretained, since this object owns the connection.
        let argument = Unmanaged.passUnretained(self).toOpaque()
        let look: @convention(c) (UnsafeMutableRawPointer?) -> Int32 = { argument in
            guard let argument else { return SQLITE_INTERNAL }
            return Unmanaged<BackgroundCheckpointThread>.fromOpaque(argument).takeUnretainedValue().stopOver()
        }
        let copied: @convention(c) (UnsafeMutableRawPointer?) -> Void = { argument in
            guard let argument else { return }
            Unmanaged<BackgroundCheckpointThread>.fromOpaque(argument).takeUnretainedValue().syncDatabase()
        }
        guard try database.duringCheckpoints(look, argument), database.whenCopied(copied, argument) else {
            throw SQLiteError(SQLITE_NOTFOUND, of: nil)
        }
        self.database = database
    }

    /// Closes the connection, after the thread has ended.
    func close() {
        database?.close()
        database = nil
    }

    /// The thread.
    func run() {
        while true {
            wait(while: .resting)
            switch phase {
            case .asked: copy()
            case .checkpoint: result = Result { () throws(SQLiteError) in try checkpoint(mode) }
            default: return
            }
            phase = .resting
        }
    }

    /// Runs a checkpoint that stops in the middle.
    private func copy() {
        do {
            let result = try checkpoint(SQLITE_CHECKPOINT_PASSIVE)
            // The phase is another one if there was nothing to copy, or if another program copied.
            guard phase == .copying else { return }
            sharedPage.copied = max(1, result.copied)
        } catch {
            // Given up, or recorded by checkpoint(_:).
        }
    }

    private func checkpoint(_ mode: Int32) throws(SQLiteError) -> Database.CheckpointResult {
        guard let database, !sharedPage.hasIOFailed else { throw SQLiteError(copierHasFailed: ()) }
        sharedPage.set(.copy, of: slot)
        do {
            let result = try database.checkpoint(mode)
            sharedPage.clear(.copy, of: slot)
            return result
        } catch {
            if error.primaryCode == SQLITE_INTERRUPT || error.isFull {
                // Nothing was copied, or there was no room: the next batch that writes meets that and reports it.
                if failure == nil { sharedPage.clear(.copy, of: slot) }
            } else {
                fail(StoreError(.lost, "\(path): copying the log into the database failed (\(error.message))"))
            }
            throw error
        }
    }

    /// Stops in the middle of a checkpoint until the batch in which it began has ended.
    ///
    /// - Returns: the code with which the checkpoint continues.
    private func stopOver() -> Int32 {
        guard phase == .asked else { return SQLITE_OK }
        let frames = sharedPage.copyBegan
        phase = .begun
        wait(while: .begun)
        guard phase == .copying else { return SQLITE_INTERRUPT }
        do {
            try log.checkFrames(0..<frames)
            return SQLITE_OK
        } catch {
            fail(error)
            return SQLITE_INTERRUPT
        }
    }

    /// Syncs the database before SQLite tells other connections that the log is copied.
    ///
    /// Does not return if that fails.
    private func syncDatabase() {
        do {
            try database?.syncFile()
        } catch {
            fail(StoreError(.lost, "\(path): copying the log into the database failed (its sync: \(error.message))"))
            result = .failure(error)
            phase = .failed
            while true { wait(while: .failed) }
        }
    }

    private func fail(_ error: StoreError) {
        sharedPage.hasIOFailed = true
        firstFailure.withLock { $0 = $0 ?? error }
    }
}
