internal import SQLiteStore
internal import TaskStore

/// The row of `store_event` that says when a database was last backed up; managers show it.
enum BackupRecord {
    /// Writes when a backup began, in a short transaction of its own.
    ///
    /// The copy is complete by then, so a database that this user cannot write is no error. The row is synced with the
    /// next commit of a manager.
    ///
    /// - Parameters:
    ///   - began: when the backup began, in milliseconds since 1970.
    ///   - source: the path of the database.
    static func write(_ began: Int64, for source: String) {
        guard let path = try? StoreFiles(source).database,
            let database = try? Database.forMaintenance(path, readOnly: false)
        else { return }
        defer { database.close() }
        try? database.execute(
            """
            INSERT INTO store_event (name, at_ms) VALUES ('backup', \(began))
            ON CONFLICT (name) DO UPDATE SET at_ms = excluded.at_ms
            """
        )
    }

    /// Returns when the last backup began, in milliseconds since 1970; `nil` if none is known.
    ///
    /// - Parameter database: a connection on which it may read.
    /// - Returns: the time.
    static func lastBackup(of database: Database) -> Int64? {
        try? database.integer("SELECT at_ms FROM store_event WHERE name = 'backup'")
    }
}
