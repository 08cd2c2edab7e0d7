import CPlatform
import CSQLite
import Synchronization
import TaskStore

/// Copies the log into the database while all managers go on writing, on a thread and a connection of its own.
///
/// What has been written meanwhile is left for a ``Checkpointer`` under the lock: little, and on a database whose file has
/// just been synced.
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
/// A reader bounds how far it comes, as it does for every checkpoint. A manager that dies in the middle leaves nothing
/// behind: what it has copied, the next one copies again.
final class LogCopier {
    private let shared: Shared
    private var thread: StoreThread?

    init(path: String, board: SharedBoard, log: LogSync) {
        shared = Shared(path: path, board: board, log: log)
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
        shared.board.copied = 0
        shared.board.copyBegan = shared.board.logFrames
        if thread == nil {
            // Without a thread the log is copied once it is twice as long, under the lock.
            guard let thread = try? StoreThread(for: "copying the log", { [shared] in shared.run() }) else { return }
            self.thread = thread
        }
        shared.phase = .asked
        shared.wait(while: .asked)
    }

    /// Lets the copy go on, if one has begun.
    ///
    /// - Parameter hasGrown: whether a commit has made the log longer since; if not, the copy is given up.
    func proceed(hasGrown: Bool) {
        guard shared.phase == .begun else { return }
        if !hasGrown { shared.board.copyBegan = 0 }
        shared.phase = hasGrown ? .copying : .givenUp
    }

    /// What a copy has failed with; nobody knows what the disk holds of the database then.
    var failure: StoreError? { shared.failure.withLock { $0 } }

    /// Waits for the end of a copy that is under way.
    func waitUntilDone() {
        shared.wait(while: .copying)
    }

    /// Ends the thread, after a copy that is under way, and closes its connection.
    func stop() {
        guard let thread else { return }
        proceed(hasGrown: false)
        shared.wait(while: .givenUp)
        waitUntilDone()
        shared.phase = .ending
        thread.join()
        self.thread = nil
        shared.phase = .resting
    }

    private enum Phase: UInt64 {
        /// Nothing to do. Who moves on: the owner.
        case resting

        /// A copy is to begin. Who moves on: the thread.
        case asked

        /// The thread has stopped inside of its checkpoint. Who moves on: the owner.
        case begun

        /// The thread copies, or is about to. Who moves on: the thread.
        case copying

        /// The thread is to leave its checkpoint again. Who moves on: the thread.
        case givenUp

        /// The thread is to end.
        case ending
    }

    /// What the thread and its owner share.
    ///
    /// Unchecked for the word: it is read and written with atomic operations only. Not an `Atomic`, which cannot be slept on.
    private final class Shared: @unchecked Sendable {
        let path: String
        let board: SharedBoard
        let log: LogSync
        let failure = Mutex<StoreError?>(nil)
        private let word = UnsafeMutablePointer<UInt64>.allocate(capacity: 1)

        init(path: String, board: SharedBoard, log: LogSync) {
            self.path = path
            self.board = board
            self.log = log
            word.initialize(to: Phase.resting.rawValue)
        }

        deinit {
            word.deallocate()
        }

        /// Where things stand; whoever sleeps until that changes is woken.
        var phase: Phase {
            get { Phase(rawValue: beanrow_load(word)) ?? .ending }
            set {
                beanrow_store(word, newValue.rawValue)
                beanrow_wake_waiting(word)
            }
        }

        /// Sleeps as long as things stand like this.
        func wait(while phase: Phase) {
            while self.phase == phase { beanrow_wait_for(word, phase.rawValue, -1) }
        }

        /// The thread.
        func run() {
            var database: Database?
            while true {
                wait(while: .resting)
                guard phase == .asked else { return }
                // Without a connection the log is copied once it is twice as long, under the lock.
                if database == nil { database = try? open() }
                if let database { copy(database) }
                phase = .resting
            }
        }

        private func open() throws(SQLiteError) -> Database {
            let database = try Database(path: path)
            // NORMAL: a checkpoint syncs the log before it copies.
            try database.execute("PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 0; PRAGMA cache_size = 1")
            database.setChunkSize(bytes: Ledger.growth)
            let look: @convention(c) (UnsafeMutableRawPointer?) -> Int32 = { argument in
                guard let argument else { return SQLITE_INTERNAL }
                return Unmanaged<Shared>.fromOpaque(argument).takeUnretainedValue().stopOver()
            }
            // Unretained since this object runs the thread that has the connection.
            guard try database.duringCheckpoints(look, Unmanaged.passUnretained(self).toOpaque()) else {
                throw SQLiteError(SQLITE_NOTFOUND, of: nil)
            }
            return database
        }

        /// Runs a checkpoint, which stops over, and syncs the database.
        private func copy(_ database: Database) {
            do {
                let result = try database.checkpoint(SQLITE_CHECKPOINT_PASSIVE)
                // It has not come so far where there was nothing to copy, or another program copied.
                guard phase == .copying else { return }
                try database.syncFile()
                board.copied = max(1, result.copied)
            } catch  where error.primaryCode == SQLITE_INTERRUPT || error.isFull {
                // Given up; or there was no room, and whoever writes next meets that and says so.
            } catch {
                fail(StoreError(.lost, "\(path): copying the log into the database failed (\(error.message))"))
            }
        }

        /// Stops in the middle of a checkpoint until the batch in which it began is over.
        ///
        /// - Returns: what the checkpoint goes on with.
        private func stopOver() -> Int32 {
            guard phase == .asked else { return SQLITE_OK }
            let frames = board.copyBegan
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

        private func fail(_ error: StoreError) {
            failure.withLock { $0 = $0 ?? error }
        }
    }
}
