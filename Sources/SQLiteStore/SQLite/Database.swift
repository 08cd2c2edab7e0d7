import CSQLite
import CSQLiteShims

/// One connection to a SQLite database.
///
/// Confined to one thread. Closing it finalizes its statements, which must not be used after that.
final class Database {
    /// The file.
    let path: String

    /// Bytes a page, once ``learnPageSize()`` has been called.
    private(set) var pageSize = 4096

    private(set) var handle: OpaquePointer?

    /// How many frames the write-ahead log held after the commit; 0 where nothing was written.
    ///
    /// On the heap since SQLite's hook writes it through a pointer.
    private let frames = UnsafeMutablePointer<Int32>.allocate(capacity: 1)

    /// Keeps SQLite from counting the memory of the process, which takes a lock for every allocation.
    ///
    /// Once for the process, before its first connection; later SQLite declines, and then it stays as it is.
    private static let countsNoMemory: Bool = beanrow_count_memory(0) == SQLITE_OK

    /// The name of the VFS that writes a commit's frames to the log together; nothing where SQLite would not have it.
    ///
    /// Registered once for the process. The name is a constant in C, and never freed.
    nonisolated(unsafe) private static let vfs: UnsafePointer<CChar>? = beanrow_log_vfs()

    /// Opens an existing file.
    ///
    /// - Parameters:
    ///   - path: the file.
    ///   - readOnly: whether nothing is going to be written.
    /// - Throws: what SQLite answered.
    init(path: String, readOnly: Bool = false) throws(SQLiteError) {
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
        // A manager that ends because a sync has failed must not copy and remove the log on its way out.
        if !readOnly { beanrow_checkpoint_on_close(handle, 0) }
    }

    deinit {
        close()
        frames.deallocate()
    }

    /// Has ``close()`` copy and remove the log if this is the last connection of all; without this it stays as it is.
    ///
    /// SQLite removes a log that is marked as copied without a sync, and reports no error.
    func removeLogOnClose() {
        beanrow_checkpoint_on_close(handle, 1)
    }

    /// Closes the connection and all its statements.
    func close() {
        guard let handle else { return }
        while let statement = sqlite3_next_stmt(handle, nil) {
            sqlite3_finalize(statement)
        }
        sqlite3_close(handle)
        self.handle = nil
    }

    /// Prepares a statement that is to be kept.
    func prepare(_ sql: String) throws(SQLiteError) -> Statement {
        var statement: OpaquePointer?
        let code = sqlite3_prepare_v3(handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &statement, nil)
        guard code == SQLITE_OK, let statement, let handle else { throw SQLiteError(code, of: handle) }
        return Statement(statement, of: handle, sql: sql)
    }

    /// Runs one or more statements whose rows nobody wants.
    func execute(_ sql: String) throws(SQLiteError) {
        let code = sqlite3_exec(handle, sql, nil, nil, nil)
        if code != SQLITE_OK { throw SQLiteError(code, of: handle) }
    }

    /// Reads the first column of the first row of a query, as an integer.
    func integer(_ sql: String) throws(SQLiteError) -> Int64? {
        let statement = try prepare(sql)
        defer { statement.finalize() }
        return try statement.step() ? statement.optionalInt(0) : nil
    }

    /// Reads the first column of the first row of a query, as text.
    func text(_ sql: String) throws(SQLiteError) -> String {
        let statement = try prepare(sql)
        defer { statement.finalize() }
        return try statement.step() ? statement.text(0) : ""
    }

    /// The number of the row inserted last.
    var lastInsertedRow: Int64 { sqlite3_last_insert_rowid(handle) }

    /// Runs COMMIT, with few writes to the log (`log_writes.c`).
    ///
    /// - Parameter statement: COMMIT, prepared.
    /// - Returns: where the commit stands in the log; nothing where there was nothing to write.
    /// - Throws: what SQLite answered; nothing of the commit that was not written yet is going to be.
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
    var isInTransaction: Bool { handle.map { sqlite3_get_autocommit($0) == 0 } ?? false }

    /// Ends the open transaction without a trace, if there is one; SQLite ends some by itself when they fail.
    func rollBack() throws(SQLiteError) {
        if isInTransaction { try execute("ROLLBACK") }
    }

    /// Ends the runs of all statements, wherever an error left them.
    func resetStatements() {
        var statement = sqlite3_next_stmt(handle, nil)
        while let present = statement {
            sqlite3_reset(present)
            statement = sqlite3_next_stmt(handle, present)
        }
    }

    /// Sets for how long a statement waits while another connection holds the lock it needs.
    func setBusyTimeout(milliseconds: Int32) {
        sqlite3_busy_timeout(handle, milliseconds)
    }

    /// Lets triggers run, or not, on this connection alone.
    func enableTriggers(_ enable: Bool) throws(SQLiteError) {
        let code = beanrow_enable_triggers(handle, enable ? 1 : 0)
        if code != SQLITE_OK { throw SQLiteError(code, of: handle) }
    }

    /// Adds the SQL function `holder_for`; see ``HolderFunction``.
    func addHolderFunction(_ holders: UnsafeMutablePointer<beanrow_holders>) throws(SQLiteError) {
        let code = beanrow_add_holder_function(handle, "holder_for", holders)
        if code != SQLITE_OK { throw SQLiteError(code, of: handle) }
    }

    /// Learns how large the pages are; that does not change while the database is in WAL mode.
    func learnPageSize() throws(SQLiteError) {
        pageSize = Int(try integer("PRAGMA page_size") ?? 4096)
    }

    /// Counts the log's frames at each ``commit(_:)``, and keeps SQLite from running a checkpoint by itself then.
    ///
    /// SQLite knows one hook a connection, and its own automatic checkpoint is one.
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

    /// Lets the file grow in steps.
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
    ///   - bytes: the length wanted.
    ///   - least: the length that is needed, and enough on a disk that is nearly full.
    /// - Throws: `SQLITE_FULL` if there is no room, or what SQLite answered.
    func allocate(bytes: Int64, atLeast least: Int64) throws(SQLiteError) {
        let code = beanrow_extend(handle, bytes, least)
        if code == SQLITE_FULL { throw SQLiteError(noRoomFor: least) }
        guard code == SQLITE_OK else { throw SQLiteError(code, of: nil) }
    }

    /// What a checkpoint has done.
    struct CheckpointResult: Sendable {
        /// How many frames the log holds; -1 if another connection is running a checkpoint.
        var frames: Int

        /// How many of them are in the database now.
        var copied: Int

        /// Whether no reader was in the way.
        var finished: Bool
    }

    /// Copies the log into the database.
    ///
    /// - Parameter mode: `SQLITE_CHECKPOINT_RESTART` or another mode (sqlite.org/c3ref/wal_checkpoint_v2.html).
    /// - Returns: how far it came.
    /// - Throws: what SQLite answered.
    func checkpoint(_ mode: Int32) throws(SQLiteError) -> CheckpointResult {
        var frames: Int32 = -1
        var copied: Int32 = -1
        let code = sqlite3_wal_checkpoint_v2(handle, "main", mode, &frames, &copied)
        guard code == SQLITE_OK || code & 0xff == SQLITE_BUSY else { throw SQLiteError(code, of: handle) }
        return CheckpointResult(frames: Int(frames), copied: Int(copied), finished: code == SQLITE_OK)
    }

    /// Has a function called in the middle of each checkpoint on this connection: it has seen how far the log reaches, nobody
    /// can start the log over before it ends, and nothing is copied yet (`log_writes.c`).
    ///
    /// - Parameters:
    ///   - look: answers `SQLITE_OK`, or what the checkpoint is to fail with.
    ///   - argument: what it is called with.
    /// - Returns: whether it is going to be called.
    /// - Throws: what SQLite answered.
    func duringCheckpoints(
        _ look: @convention(c) (UnsafeMutableRawPointer?) -> Int32,
        _ argument: UnsafeMutableRawPointer
    ) throws(SQLiteError) -> Bool {
        // The log is opened by whoever first reads.
        _ = try integer("PRAGMA page_count")
        return beanrow_before_log_sync(handle, look, argument) == 1
    }

    /// Has a function called at the end of each checkpoint on this connection: all pages are copied, the file was not synced
    /// yet, and no other connection has been told (`log_writes.c`).
    ///
    /// - Parameters:
    ///   - copied: if it does not return, the pages never count as copied.
    ///   - argument: what it is called with.
    /// - Returns: whether it is going to be called.
    func whenCopied(
        _ copied: @convention(c) (UnsafeMutableRawPointer?) -> Void,
        _ argument: UnsafeMutableRawPointer
    ) -> Bool {
        beanrow_when_copied(handle, copied, argument) == 1
    }

    /// How many frames of the log are committed, as the log's index in shared memory says; nil if there is none.
    ///
    /// The number cannot become smaller while a write transaction is open on this connection.
    var committedFrames: Int? {
        let frames = beanrow_log_frames(handle)
        return frames >= 0 ? Int(frames) : nil
    }

    /// Has the next process that reads make the log's index again, with a look at each frame's checksum.
    ///
    /// SQLite does not look at the checksums of frames that its index in shared memory has. If the kernel has lost the bytes of
    /// such a frame, another program that closes the database would copy what is in their place. So the index is made
    /// unusable when bytes may be lost.
    ///
    /// No transaction is open on this connection.
    ///
    /// - Returns: false if another connection writes at this moment.
    @discardableResult
    func forgetLogIndex() -> Bool {
        beanrow_forget_log_index(handle) == SQLITE_OK
    }

    /// Does something with a database that is not read: its pages, and the index of its log, may not be what was written.
    ///
    /// - Parameters:
    ///   - path: the database.
    ///   - body: may call ``committedFrames`` and ``forgetLogIndex()``.
    /// - Returns: what the body returns.
    /// - Throws: what SQLite answered.
    static func withoutReading<Value>(_ path: String, _ body: (Database) -> Value) throws(SQLiteError) -> Value {
        let database = try Database(path: path)
        defer { database.close() }
        defer { beanrow_leave_log_index(database.handle) }
        return body(database)
    }

    /// Returns once the database's file, not its log, is on the disk.
    func syncFile() throws(SQLiteError) {
        let code = beanrow_sync_database(handle)
        // The connection knows nothing of it.
        if code != SQLITE_OK { throw SQLiteError(code, of: nil) }
    }
}
