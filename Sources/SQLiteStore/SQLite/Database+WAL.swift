import CSQLite
import CSQLiteShims

/// The log, and how it is copied into the file of the database.
extension Database {
    /// The result of a checkpoint.
    package struct CheckpointResult: Sendable {
        /// How many frames the log holds; -1 if another connection is running a checkpoint.
        package var frames: Int

        /// How many of them are in the database now.
        package var copied: Int

        /// Whether no reader has stopped it.
        package var finished: Bool
    }

    /// Copies the log into the database.
    ///
    /// - Parameter mode: `SQLITE_CHECKPOINT_RESTART` or another mode (sqlite.org/c3ref/wal_checkpoint_v2.html).
    /// - Returns: how far it came.
    /// - Throws: SQLite's error.
    package func checkpoint(_ mode: Int32) throws(SQLiteError) -> CheckpointResult {
        var frames: Int32 = -1
        var copied: Int32 = -1
        let code = sqlite3_wal_checkpoint_v2(handle, "main", mode, &frames, &copied)
        guard code == SQLITE_OK || code & 0xff == SQLITE_BUSY else { throw SQLiteError(code, of: handle) }
        return CheckpointResult(frames: Int(frames), copied: Int(copied), finished: code == SQLITE_OK)
    }

    /// Sets a function that is called in the middle of each checkpoint on this connection.
    ///
    /// At that point the checkpoint has read how far the log reaches, no connection can start the log over before it
    /// ends, and nothing is copied yet (`log_writes.c`).
    ///
    /// - Parameters:
    ///   - look: returns `SQLITE_OK`, or the code with which the checkpoint fails.
    ///   - argument: its argument.
    /// - Returns: whether it is going to be called.
    /// - Throws: SQLite's error.
    func duringCheckpoints(
        _ look: @convention(c) (UnsafeMutableRawPointer?) -> Int32,
        _ argument: UnsafeMutableRawPointer
    ) throws(SQLiteError) -> Bool {
        // The first read opens the log.
        _ = try integer("PRAGMA page_count")
        return beanrow_before_log_sync(handle, look, argument) == 1
    }

    /// Sets a function that is called at the end of each checkpoint on this connection.
    ///
    /// At that point all pages are copied, the file was not synced yet, and no other connection has been told
    /// (`log_writes.c`).
    ///
    /// - Parameters:
    ///   - copied: the function. If it does not return, the pages never count as copied.
    ///   - argument: its argument.
    /// - Returns: whether it is going to be called.
    func whenCopied(
        _ copied: @convention(c) (UnsafeMutableRawPointer?) -> Void,
        _ argument: UnsafeMutableRawPointer
    ) -> Bool {
        beanrow_when_copied(handle, copied, argument) == 1
    }

    /// The end of the last commit in the log, as the log's index in shared memory says; nil if there is no index.
    ///
    /// It cannot change while a write transaction is open on this connection.
    var endOfIndex: WALPoint? {
        var frames: UInt32 = 0
        var salt: UInt32 = 0
        guard beanrow_log_index(handle, &frames, &salt) == 1 else { return nil }
        return WALPoint(salt: salt, frames: Int(frames))
    }

    /// Makes the next process that reads build the log's index again, with a check of the checksum of each frame.
    ///
    /// SQLite does not check the checksums of frames that are in its index in shared memory. If the kernel has lost the
    /// bytes of such a frame, another program that closes the database would copy what is in their place. So the index
    /// is made unusable if bytes may be lost.
    ///
    /// No transaction is open on this connection.
    ///
    /// - Returns: false if another connection is writing at this moment.
    @discardableResult
    func forgetLogIndex() -> Bool {
        beanrow_forget_log_index(handle) == SQLITE_OK
    }

    /// Opens a database without reading it, and calls a function.
    ///
    /// The pages and the index of the log may not be what was written.
    ///
    /// - Parameters:
    ///   - path: the database.
    ///   - body: may call ``endOfIndex`` and ``forgetLogIndex()``.
    /// - Returns: what the body returns.
    /// - Throws: SQLite's error.
    static func withoutReading<Value>(_ path: String, _ body: (Database) -> Value) throws(SQLiteError) -> Value {
        let database = try Database(path: path)
        defer { database.close() }
        defer { beanrow_leave_log_index(database.handle) }
        return body(database)
    }

    /// Returns once the database's file, not its log, is on the disk.
    package func syncFile() throws(SQLiteError) {
        let code = beanrow_sync_database(handle)
        // The connection has no message for this error.
        if code != SQLITE_OK { throw SQLiteError(code, of: nil) }
    }
}
