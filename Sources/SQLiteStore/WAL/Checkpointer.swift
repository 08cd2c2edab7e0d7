import CSQLite
import TaskStore

/// Copies the write-ahead log into the database and starts it over, so that it stays short.
///
/// SQLite before 3.51.3 can lose commits if one connection runs a checkpoint while the commit of another one starts the
/// log over (sqlite.org/wal.html, "The WAL-Reset Bug"). So no manager lets SQLite run checkpoints by itself. A
/// ``BackgroundCheckpoint`` copies most of the log while others write. The rest is copied under the writer lock, in a
/// mode that takes SQLite's write lock too, and then the log is started over.
final class Checkpointer {
    /// The length at which the log is copied, in bytes.
    ///
    /// Shorter means more syncs of the database, longer means longer pauses and slower reads.
    static let bytes = 8 << 20

    /// The same as a number of frames.
    let frames: Int

    /// The size of the log at which a person should know that something keeps it from being emptied.
    static let warnFrom = 64 << 20

    private let database: Database
    private let backgroundCheckpoint: BackgroundCheckpoint
    private let sharedPage: SharedPage

    /// The length of the log from which puts are refused, in bytes.
    let mostBytes: Int

    private var warnAt = warnFrom

    init(
        _ database: Database,
        backgroundCheckpoint: BackgroundCheckpoint,
        sharedPage: SharedPage,
        options: SQLiteStore.Options
    ) {
        self.database = database
        self.backgroundCheckpoint = backgroundCheckpoint
        self.sharedPage = sharedPage
        self.frames = Self.bytes / database.pageSize
        self.mostBytes = options.mostLogBytes
    }

    /// What has to be done because of the log's length.
    enum Due {
        case nothing

        /// A copy of the log has to begin.
        case copy

        /// The rest has to be copied under the lock, and the log started over.
        case checkpoint
    }

    /// What has to be done now.
    ///
    /// The writer lock is held.
    var due: Due {
        let frames = sharedPage.logFrames
        let began = sharedPage.copyBegan
        // If there are fewer frames than at the beginning, the log was started over since then.
        if began > 0, frames >= began {
            if sharedPage.copied > 0 { return .checkpoint }
            // The manager that began has died, or its disk is very slow.
            return frames >= began + self.frames ? .checkpoint : .nothing
        }
        guard frames >= self.frames else { return .nothing }
        let blocked = sharedPage.blockedCheckpoint
        // While a reader blocks the checkpoint, one try per `self.frames` frames is enough. Fewer frames than at the
        // last try mean that the log was started over.
        return frames >= blocked + self.frames || frames < blocked || blocked == 0 ? .copy : .nothing
    }

    /// The frames that a ``checkpoint(_:)`` may have to copy.
    var framesLeft: Range<Int> {
        let frames = sharedPage.logFrames
        return min(sharedPage.copyBegan > 0 ? sharedPage.copied : 0, frames)..<frames
    }

    /// What may be written to a log that cannot be emptied.
    enum Room {
        /// Everything.
        case ample

        /// What does not add tasks: the existing tasks limit it.
        case scarce

        /// Nothing.
        case none
    }

    /// What may be written now.
    ///
    /// The writer lock is held. If a checkpoint was ``due``, it has just tried to empty the log.
    var room: Room {
        let bytes = sharedPage.logFrames * database.pageSize
        if bytes < mostBytes { return .ample }
        return bytes < 2 * mostBytes ? .scarce : .none
    }

    /// Runs a checkpoint, as far as readers permit, and starts the log over.
    ///
    /// The writer lock is held, no transaction is open.
    ///
    /// - Parameter mode: `SQLITE_CHECKPOINT_RESTART`, or `SQLITE_CHECKPOINT_TRUNCATE` to make the log's file empty too.
    /// - Throws: SQLite's error.
    func checkpoint(_ mode: Int32 = SQLITE_CHECKPOINT_RESTART) throws(SQLiteError) {
        let result = try backgroundCheckpoint.checkpoint(mode)
        if result.frames < 0 {
            // Another manager is copying. If it takes this long, it gets the same time again.
            sharedPage.copyBegan = sharedPage.logFrames
            return
        }
        sharedPage.copyBegan = 0
        sharedPage.copied = 0
        if result.finished {
            sharedPage.logFrames = 0
            sharedPage.blockedCheckpoint = 0
        } else {
            sharedPage.blockedCheckpoint = max(sharedPage.logFrames, result.frames)
        }
    }

    /// Returns a line for the program's log if SQLite's log has become too long, once per doubling.
    ///
    /// - Parameter size: the log's size in bytes.
    /// - Returns: nil if it is not too long, or was reported before.
    func warning(size: Int) -> String? {
        guard size >= warnAt else {
            if size < Self.warnFrom { warnAt = Self.warnFrom }
            return nil
        }
        // The file keeps its size until the log is started over, so a short log in a long file is no problem.
        guard sharedPage.logFrames * database.pageSize >= Self.warnFrom else { return nil }
        while warnAt <= size { warnAt *= 2 }
        return """
            \(database.path)-wal has grown to \(size >> 20) MiB: some program has been reading the database for long and \
            keeps the log from being emptied
            """
    }

    /// The reason why nothing is written.
    static let tooLong = "the log is as long as it may become, and some program that reads keeps it from being emptied"
}
