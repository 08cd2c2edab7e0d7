import CSQLite
import Glibc
import TaskStore

/// How the database is created, opened and configured.
extension SQLiteStore {
    /// Opens a file that exists.
    static func connect(_ path: String) throws(StoreError) -> Database {
        do {
            let database = try Database(path: path)
            database.setBusyTimeout(milliseconds: 5000)
            return database
        } catch {
            throw error.whileOpening(path)
        }
    }

    /// Checks that a file, if it exists, is a database of Beanrow's.
    ///
    /// - Returns: whether the file exists.
    /// - Throws: ``StoreError/Code/unusable``.
    @discardableResult
    static func inspect(_ path: String) throws(StoreError) -> Bool {
        var information = stat()
        guard stat(path, &information) == 0 else { return false }
        guard information.st_size > 0 else { return true }
        let database = try connect(path)
        defer { database.close() }
        _ = try Schema.inspect(database)
        return true
    }

    /// Creates an empty file if there is none.
    ///
    /// Not left to SQLite, which would make it readable for all users. Closing the descriptor releases no lock of
    /// SQLite's, since no process can have opened the file before.
    static func create(_ path: String, _ mode: mode_t) throws(StoreError) {
        let descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode)
        if descriptor >= 0 {
            FileMode.set(of: descriptor, mode)
            close(descriptor)
        } else if errno != EEXIST {
            throw StoreError(opening: path)
        }
    }

    /// Returns the permissions for the files beside the database: the database's own.
    static func permissions(_ path: String, otherwise mode: mode_t) -> mode_t {
        var information = stat()
        return stat(path, &information) == 0 ? information.st_mode & 0o666 : mode
    }

    /// Configures a connection and makes the tables.
    ///
    /// The writer lock is held.
    static func configure(_ database: Database, _ options: Options) throws(StoreError) -> TaskTables {
        _ = try Schema.inspect(database)
        let journal: String
        do {
            journal = try database.text("PRAGMA journal_mode = WAL")
        } catch {
            throw error.whileOpening(database.path)
        }
        guard journal == "wal" else {
            throw StoreError(.unusable, "\(database.path): the file system does not support SQLite's WAL mode")
        }
        try Schema.establish(database)
        do {
            try database.learnPageSize()
            // NORMAL: the commit itself does not sync. makeDurable() does, after the next manager may write.
            try database.execute(
                """
                PRAGMA synchronous = NORMAL;
                PRAGMA wal_autocheckpoint = 0;
                PRAGMA journal_size_limit = \(Checkpointer.bytes * 2);
                PRAGMA cache_size = \(-options.cacheSize);
                PRAGMA temp_store = MEMORY;
                PRAGMA secure_delete = OFF;
                PRAGMA ignore_check_constraints = \(checksRows ? "OFF" : "ON");
                """
            )
            // Triggers keep the counts for the SQL of other programs. A batch adds its changes up and writes each tube
            // once.
            try database.enableTriggers(false)
            database.countFrames()
            database.setChunkSize(bytes: TaskTables.growth)
            let tables = try TaskTables(database)
            tables.keyRetention = Int64(options.uniqueRetention) * 1000
            database.setBusyTimeout(milliseconds: options.busyTimeout)
            return tables
        } catch {
            throw error.whileOpening(database.path)
        }
    }

    /// Whether SQLite compares what a manager writes with the tables' CHECKs, as it does for the SQL of other programs.
    ///
    /// Only in debug builds, and so in the tests. The checks cost a tenth of a put's time under the writer lock, and
    /// each statement sets all columns that depend on each other. `PRAGMA integrity_check` knows the CHECKs too.
    private static var checksRows: Bool {
        #if DEBUG
        true
        #else
        false
        #endif
    }
}
