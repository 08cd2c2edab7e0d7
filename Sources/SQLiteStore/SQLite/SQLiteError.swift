import CSQLite
import CSQLiteShims
import Glibc
import TaskStore

/// An error of SQLite, or one found in what it has read.
package struct SQLiteError: Error {
    /// `SQLITE_READONLY_DBMOVED`: the file was renamed or removed (Swift does not import the macro).
    private static let databaseMoved: Int32 = SQLITE_READONLY | 4 << 8

    /// `SQLITE_IOERR_SHORT_READ`: the file had fewer bytes than it should.
    private static let shortRead: Int32 = SQLITE_IOERR | 2 << 8

    /// `SQLITE_IOERR_WRITE`, `_TRUNCATE`, `_SHMOPEN` and `_SHMSIZE`: a file could not be written or made longer.
    private static let failedToGrow: Set<Int32> = [
        SQLITE_IOERR | 3 << 8, SQLITE_IOERR | 6 << 8, SQLITE_IOERR | 18 << 8, SQLITE_IOERR | 19 << 8,
    ]

    /// The extended result code (sqlite.org/rescode.html).
    package var code: Int32

    /// SQLite's message.
    package var message: String

    /// The `errno` of the system call that failed; 0 if no call has failed.
    var systemError: Int32

    /// Reads the last error of a connection.
    init(_ code: Int32, of connection: OpaquePointer?) {
        self.code = code
        if let connection {
            self.message = String(cString: sqlite3_errmsg(connection))
            self.systemError = sqlite3_system_errno(connection)
        } else {
            self.message = String(cString: sqlite3_errstr(code))
            self.systemError = 0
        }
        // SQLite asks for the errno only after it has cleaned up, which may have changed it.
        if Self.failedToGrow.contains(code) { self.systemError = beanrow_last_write_error() }
    }

    /// Makes the error for rows that contradict each other: another program has changed the tables in a way that no
    /// batch and no trigger does.
    init(corrupt message: String) {
        self.code = SQLITE_CORRUPT
        self.message = message
        self.systemError = 0
    }

    /// Makes the error for a file that could not be extended ahead of need.
    init(noRoomFor bytes: Int64) {
        self.code = SQLITE_FULL
        self.message = "no room for a file of \(bytes) bytes"
        self.systemError = ENOSPC
    }

    /// Makes the error for a kind of row whose ids are all used.
    init(noNumberFor what: String) {
        self.code = SQLITE_TOOBIG
        self.message = "all numbers for \(what) were given; docs/reliability.md says what to do"
        self.systemError = 0
    }

    /// Makes the error for an operation that a batch cannot have.
    init(refused message: String) {
        self.code = SQLITE_MISMATCH
        self.message = message
        self.systemError = 0
    }

    /// Makes the error for a commit that SQLite has published although not all of it is in the log.
    init(unwritten bytes: Int) {
        self.code = SQLITE_IOERR
        self.message = "\(bytes) bytes of the log were not written"
        self.systemError = 0
    }

    /// Makes the error of a background checkpoint that has failed before; the first error is reported elsewhere.
    init(copierHasFailed: ()) {
        self.code = SQLITE_IOERR
        self.message = "a write or a sync has failed before"
        self.systemError = 0
    }

    /// The code without its extension.
    var primaryCode: Int32 { code & 0xff }

    /// Whether a file could not grow: no space on the disk, over a quota, or at the limit of a file's length.
    ///
    /// A sync that fails for lack of space is not such an error: data that SQLite believed to be written is lost.
    var isFull: Bool {
        switch primaryCode {
        case SQLITE_FULL: true
        case SQLITE_IOERR: Self.failedToGrow.contains(code) && beanrow_means_no_room(systemError) == 1
        // A new file needs room for its name.
        case SQLITE_CANTOPEN: beanrow_means_no_room(systemError) == 1
        default: false
        }
    }

    /// Returns what the error means if nothing of the transaction was committed.
    ///
    /// - Parameter path: the database, for the message.
    /// - Returns: the error to throw.
    func beforeCommit(_ path: String) -> StoreError {
        if isFull { return StoreError(.full, "\(path): no space left (\(message))") }
        return switch primaryCode {
        case SQLITE_BUSY, SQLITE_LOCKED, SQLITE_PROTOCOL:
            StoreError(.busy, "\(path): another program holds the database")
        case SQLITE_CORRUPT, SQLITE_NOTADB:
            // SQLite reports a disk that fails to read in the same way (unixRead, SQLITE_IOERR_CORRUPTFS).
            StoreError(.lost, "\(path): the database is damaged or cannot be read (\(message))")
        case _ where Self.failedToGrow.contains(code):
            StoreError(.lost, "\(path): writing failed, what is on the disk is unknown (\(message))")
        case _ where code == Self.shortRead:
            StoreError(.lost, "\(path): the database or its log was cut short (\(message))")
        case _ where code == Self.databaseMoved:
            StoreError(.lost, "\(path): the database was removed or replaced")
        case SQLITE_TOOBIG, SQLITE_CONSTRAINT, SQLITE_MISMATCH:
            StoreError(.refused, "\(path): \(message) (SQLite error \(code))")
        default:
            StoreError(.failed, "\(path): \(message) (SQLite error \(code))")
        }
    }

    /// Returns what the error means if the commit itself has failed.
    ///
    /// A full disk and a lock of another connection are found before anything counts as committed. After an I/O error
    /// it is not known whether the transaction is committed.
    ///
    /// - Parameter path: the database, for the message.
    /// - Returns: the error to throw.
    func duringCommit(_ path: String) -> StoreError {
        if primaryCode == SQLITE_IOERR, !isFull {
            return StoreError(.lost, "\(path): the commit failed and may or may not be on the disk (\(message))")
        }
        return beforeCommit(path)
    }
}
