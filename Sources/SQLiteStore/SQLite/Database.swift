import CSQLite
import CSQLiteShims

/// One connection to a SQLite database.
///
/// Confined to one thread. Closing it finalizes its statements, which must not be used afterwards.
package final class Database {
    /// The file.
    package let path: String

    /// Bytes per page, after ``learnPageSize()``.
    private(set) var pageSize = 4096

    private(set) var handle: OpaquePointer?

    /// How many frames the write-ahead log held after the commit; 0 if nothing was written.
    ///
    /// On the heap, since SQLite's hook writes it through a pointer.
    private let frames = UnsafeMutablePointer<Int32>.allocate(capacity: 1)

    /// Keeps SQLite from counting the memory of the process, which takes a lock per allocation.
    ///
    /// Once per process, before its first connection. Later SQLite declines, and the setting stays as it is.
    private static let countsNoMemory: Bool = beanrow_count_memory(0) == SQLITE_OK

    /// The name of the VFS that writes all frames of a commit to the log together; nil if SQLite has refused it.
    ///
    /// Registered once per process. The name is a constant in C and is never freed.
    nonisolated(unsafe) private static let vfs: UnsafePointer<CChar>? = beanrow_log_vfs()

    /// The version of the library that is loaded, for people.
    static var libraryVersion: String { "SQLite \(String(cString: sqlite3_libversion()))" }

    /// Opens an existing file.
    ///
    /// - Parameters:
    ///   - path: the file.
    ///   - readOnly: whether nothing is going to be written.
    /// - Throws: SQLite's error.
    package init(path: String, readOnly: Bool = false) throws(SQLiteError) {
        self.path = path
        frames.initialize(to: 0)
        _ = Self.countsNoMemory
        let vfs = readOnly ? nil : Self.vfs
        let flags = (readOnly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE) | SQLITE_OPEN_NOMUTEX
        let code = sqlite3_open_v2(path, &handle, flags, vfs)
        guard code == SQLITE_OK else {
            let error = SQLiteError(code, of: handle)
            close()
            throw error
        }
        sqlite3_extended_result_codes(handle, 1)
        // A manager that ends because a sync has failed must not copy and remove the log when it closes.
        if !readOnly { beanrow_checkpoint_on_close(handle, 0) }
    }

    deinit {
        close()
        frames.deallocate()
    }

    /// Makes ``close()`` copy and remove the log if this is the last connection of all.
    ///
    /// Without this the log stays as it is.
    ///
    /// SQLite removes a log that is marked as copied without a sync, and reports no error.
    package func removeLogOnClose() {
        beanrow_checkpoint_on_close(handle, 1)
    }

    /// Closes the connection and all its statements.
    package func close() {
        guard let handle else { return }
        while let statement = sqlite3_next_stmt(handle, nil) {
            sqlite3_finalize(statement)
        }
        sqlite3_close(handle)
        self.handle = nil
    }

    /// Prepares a statement that is kept for long.
    package func prepare(_ sql: String) throws(SQLiteError) -> Statement {
        var statement: OpaquePointer?
        let code = sqlite3_prepare_v3(handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &statement, nil)
        guard code == SQLITE_OK, let statement, let handle else { throw SQLiteError(code, of: handle) }
        return Statement(statement, of: handle, sql: sql)
    }

    /// Runs one or more statements and drops their rows.
    package func execute(_ sql: String) throws(SQLiteError) {
        let code = sqlite3_exec(handle, sql, nil, nil, nil)
        if code != SQLITE_OK { throw SQLiteError(code, of: handle) }
    }

    /// Reads the first column of the first row of a query, as an integer.
    package func integer(_ sql: String) throws(SQLiteError) -> Int64? {
        let statement = try prepare(sql)
        defer { statement.finalize() }
        return try statement.step() ? statement.optionalInt(0) : nil
    }

    /// Reads the first column of the first row of a query, as text.
    package func text(_ sql: String) throws(SQLiteError) -> String {
        let statement = try prepare(sql)
        defer { statement.finalize() }
        return try statement.step() ? statement.text(0) : ""
    }

    /// The number of the row inserted last.
    var lastInsertedRow: Int64 { sqlite3_last_insert_rowid(handle) }

    /// Runs COMMIT, with few writes to the log (`log_writes.c`).
    ///
    /// - Parameter statement: COMMIT, prepared.
    /// - Returns: the position of the commit in the log; nil if there was nothing to write.
    /// - Throws: SQLite's error. What was not written of the commit by then never is.
    func commit(_ statement: Statement) throws(SQLiteError) -> WALPosition? {
        frames.pointee = 0
        beanrow_commit_begins(handle)
        var start: Int64 = -1
        do {
            try statement.run()
        } catch {
            beanrow_commit_ended(handle, &start)
            throw error
        }
        let unwritten = beanrow_commit_ended(handle, &start)
        guard unwritten == 0 else { throw SQLiteError(unwritten: Int(unwritten)) }
        return frames.pointee > 0 ? WALPosition(start: start, frames: Int(frames.pointee), pageSize: pageSize) : nil
    }

    /// Whether a transaction is open.
    package var isInTransaction: Bool { handle.map { sqlite3_get_autocommit($0) == 0 } ?? false }

    /// Undoes the open transaction, if there is one.
    ///
    /// SQLite ends some by itself when they fail.
    package func rollBack() throws(SQLiteError) {
        if isInTransaction { try execute("ROLLBACK") }
    }

    /// Resets all statements, wherever an error has left them.
    func resetStatements() {
        var statement = sqlite3_next_stmt(handle, nil)
        while let present = statement {
            sqlite3_reset(present)
            statement = sqlite3_next_stmt(handle, present)
        }
    }

    /// Sets how long a statement waits while another connection holds the lock that it needs.
    package func setBusyTimeout(milliseconds: Int32) {
        sqlite3_busy_timeout(handle, milliseconds)
    }

    /// Enables or disables triggers, on this connection alone.
    package func enableTriggers(_ enable: Bool) throws(SQLiteError) {
        let code = beanrow_enable_triggers(handle, enable ? 1 : 0)
        if code != SQLITE_OK { throw SQLiteError(code, of: handle) }
    }

    /// Adds the SQL function `holder_for`; see ``HolderFunction``.
    func addHolderFunction(_ holders: UnsafeMutablePointer<beanrow_holders>) throws(SQLiteError) {
        let code = beanrow_add_holder_function(handle, "holder_for", holders)
        if code != SQLITE_OK { throw SQLiteError(code, of: handle) }
    }

    /// Reads the size of the pages, which does not change while the database is in WAL mode.
    func learnPageSize() throws(SQLiteError) {
        pageSize = Int(try integer("PRAGMA page_size") ?? 4096)
    }

    /// Counts the log's frames at each ``commit(_:)``, and keeps SQLite from running a checkpoint by itself after it.
    ///
    /// SQLite knows one hook per connection, and its own automatic checkpoint is such a hook.
    func countFrames() {
        sqlite3_wal_hook(
            handle,
            { frames, _, _, count in
                frames?.assumingMemoryBound(to: Int32.self).pointee = count
                return SQLITE_OK
            },
            frames
        )
    }

    /// Makes the file grow in steps.
    ///
    /// - Parameter bytes: the length of a step.
    func setChunkSize(bytes: Int32) {
        var bytes = bytes
        sqlite3_file_control(handle, "main", SQLITE_FCNTL_CHUNK_SIZE, &bytes)
    }

    /// Makes the file longer, with all its blocks allocated.
    ///
    /// The writer lock is held.
    ///
    /// - Parameters:
    ///   - bytes: the wanted length.
    ///   - least: the length that is needed, which is enough on a disk that is nearly full.
    /// - Throws: `SQLITE_FULL` if there is no room, or another error of SQLite's.
    func allocate(bytes: Int64, atLeast least: Int64) throws(SQLiteError) {
        let code = beanrow_extend(handle, bytes, least)
        if code == SQLITE_FULL { throw SQLiteError(noRoomFor: least) }
        guard code == SQLITE_OK else { throw SQLiteError(code, of: nil) }
    }
}
