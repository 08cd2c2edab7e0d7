import CSQLite
import CSQLiteShims

/// How a database is copied, and what a program needs that does not belong to the managers.
extension Database {
    /// How far a copy has come.
    package struct CopyProgress: Sendable {
        /// The pages that are not copied yet.
        package var remaining: Int

        /// The pages of the snapshot.
        package var total: Int
    }

    /// Opens an existing file, or an empty one that SQLite is going to fill, without the managers' way to write.
    ///
    /// The log stays when the connection is closed.
    ///
    /// - Parameters:
    ///   - path: the file.
    ///   - readOnly: whether nothing is going to be written.
    /// - Returns: the connection, which waits for at most ten seconds for locks of other programs and never starts a
    ///   checkpoint.
    /// - Throws: SQLite's error.
    package static func forMaintenance(_ path: String, readOnly: Bool) throws(SQLiteError) -> Database {
        let database = try Database(path: path, readOnly: readOnly)
        beanrow_checkpoint_on_close(database.handle, 0)
        database.setBusyTimeout(milliseconds: 10_000)
        try database.execute("PRAGMA wal_autocheckpoint = 0")
        return database
    }

    /// The version of SQLite's library, as in 3.51.3.
    package static var linkedVersion: String { String(cString: sqlite3_libversion()) }

    /// Copies all pages of a snapshot into another database.
    ///
    /// A read transaction is open on this connection. SQLite's backup starts over when its source has changed; within
    /// one transaction the source does not change, whatever managers commit.
    ///
    /// - Parameters:
    ///   - target: the database to fill. No other connection uses it.
    ///   - pages: how many pages to copy between two calls of `check`.
    ///   - check: called between two steps; the copy ends with the error that it throws.
    /// - Throws: SQLite's error, or that of `check`.
    package func copy(into target: Database, pagesPerStep pages: Int32, check: (CopyProgress) throws -> Void) throws {
        guard let backup = sqlite3_backup_init(target.handle, "main", handle, "main") else {
            throw SQLiteError(sqlite3_errcode(target.handle), of: target.handle)
        }
        var code = SQLITE_OK
        var failure: (any Error)?
        while code == SQLITE_OK {
            code = sqlite3_backup_step(backup, pages)
            guard code == SQLITE_OK else { break }
            do {
                try check(
                    CopyProgress(
                        remaining: Int(sqlite3_backup_remaining(backup)),
                        total: Int(sqlite3_backup_pagecount(backup))
                    )
                )
            } catch {
                failure = error
                break
            }
        }
        let end = sqlite3_backup_finish(backup)
        if let failure { throw failure }
        guard code == SQLITE_DONE else { throw SQLiteError(code, of: target.handle) }
        guard end == SQLITE_OK else { throw SQLiteError(end, of: target.handle) }
    }

    /// Returns whether the database has a table or a view of this name.
    package func has(_ name: String) throws(SQLiteError) -> Bool {
        let statement = try prepare("SELECT 1 FROM sqlite_schema WHERE name = ?1")
        defer { statement.finalize() }
        statement.bind(name, at: 1)
        return try statement.step()
    }

    /// Calls a function for each row of a query.
    ///
    /// - Parameters:
    ///   - sql: one statement.
    ///   - body: reads the columns of the row; the query ends with the error that it throws.
    /// - Throws: SQLite's error, or that of `body`.
    package func forEach(_ sql: String, _ body: (Statement) throws -> Void) throws {
        let statement = try prepare(sql)
        defer { statement.finalize() }
        while try statement.step() { try body(statement) }
    }
}
