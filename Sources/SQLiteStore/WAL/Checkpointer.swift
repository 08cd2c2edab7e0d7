import CSQLite
import TaskStore

/// Copies the write-ahead log into the database and starts it over, so that it stays short.
///
/// SQLite before 3.51.3 can lose commits where one connection checkpoints while another's commit starts the log over
/// (sqlite.org/wal.html, "The WAL-Reset Bug"). So no manager lets SQLite checkpoint by itself. Most of the log is copied by a
/// ``BackgroundCheckpoint`` while others write; the rest, after which the log is started over, only under the writer lock, in a mode that
/// takes SQLite's write lock too.
final class Checkpointer {
    /// How long the log may be before it is copied, in bytes.
    ///
    /// Shorter means more syncs of the database, longer means longer pauses and slower reads.
    static let bytes = 8 << 20

    /// How many frames that is.
    let frames: Int

    /// Log size from which on a person should know that something keeps it from shrinking.
    static let warnFrom = 64 << 20

    private let database: Database
    private let backgroundCheckpoint: BackgroundCheckpoint
    private let sharedPage: SharedPage
    private let mostBytes: Int
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

    /// What the log's length asks for.
    enum Due {
        case nothing

        /// That a copy of the log begins.
        case copy

        /// That the rest is copied under the lock, and the log starts over.
        case checkpoint
    }

    /// What the log's length asks for now.
    ///
    /// The writer lock is held.
    var due: Due {
        let frames = sharedPage.logFrames
        let began = sharedPage.copyBegan
        // Fewer frames than there were: the log has been started over since.
        if began > 0, frames >= began {
            if sharedPage.copied > 0 { return .checkpoint }
            // Whoever began has died, or its disk is very slow.
            return frames >= began + self.frames ? .checkpoint : .nothing
        }
        guard frames >= self.frames else { return .nothing }
        let blocked = sharedPage.blockedCheckpoint
        // While a reader is in the way one try for every so many frames is enough; fewer frames than at the last try mean
        // that the log was started over.
        return frames >= blocked + self.frames || frames < blocked || blocked == 0 ? .copy : .nothing
    }

    /// Which frames a ``checkpoint()`` may have to copy.
    var framesLeft: Range<Int> {
        let frames = sharedPage.logFrames
        return min(sharedPage.copyBegan > 0 ? sharedPage.copied : 0, frames)..<frames
    }

    /// What may be written to a log that cannot be emptied.
    enum Room {
        /// Everything.
        case ample

        /// What does not add tasks: the tasks that are there are a bound.
        case scarce

        /// Nothing.
        case none
    }

    /// How much longer the log may become.
    ///
    /// The writer lock is held, and if one was ``due`` a checkpoint has just tried to empty the log.
    var room: Room {
        let bytes = sharedPage.logFrames * database.pageSize
        if bytes < mostBytes { return .ample }
        return bytes < 2 * mostBytes ? .scarce : .none
    }

    /// Checkpoints, as far as readers let it, and has the log start over.
    ///
    /// The writer lock is held, no transaction is open.
    ///
    /// - Parameter mode: `SQLITE_CHECKPOINT_RESTART`, or `SQLITE_CHECKPOINT_TRUNCATE` to make the log's file empty too.
    /// - Throws: what SQLite answered.
    func checkpoint(_ mode: Int32 = SQLITE_CHECKPOINT_RESTART) throws(SQLiteError) {
        let result = try backgroundCheckpoint.checkpoint(mode)
        if result.frames < 0 {
            // Some other manager copies just now. If it takes that long it gets as long again.
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

    /// A line for the log where it has become too long, once for each doubling.
    ///
    /// - Parameter size: the log's size in bytes.
    /// - Returns: nothing where all is well, or was said before.
    func warning(size: Int) -> String? {
        guard size >= warnAt else {
            if size < Self.warnFrom { warnAt = Self.warnFrom }
            return nil
        }
        // The file keeps its size until the log starts over, so a short log in a long file is no reason for alarm.
        guard sharedPage.logFrames * database.pageSize >= Self.warnFrom else { return nil }
        while warnAt <= size { warnAt *= 2 }
        return """
            \(database.path)-wal has grown to \(size >> 20) MiB: some program has been reading the database for long and \
            keeps the log from being emptied
            """
    }

    /// Why nothing is written.
    static let tooLong = "the log is as long as it may become, and some program that reads keeps it from being emptied"
}
