internal import Glibc
internal import SQLiteStore

/// What a restore keeps of the old database: its counters, its owner and its permissions.
struct OldCounters {
    var lastTask: Int64?
    var lastSession: Int64?
    var lastManager: Int64?
    var mode: mode_t?
    var owner: (user: uid_t, group: gid_t)?

    /// Reads them; what cannot be read is `nil`.
    ///
    /// The database may be damaged, or missing. It is opened for writing, since SQLite may have to read the log of a
    /// killed manager; nothing is written to it.
    static func read(_ files: StoreFiles) -> OldCounters {
        var counters = OldCounters()
        var information = stat()
        guard stat(files.database, &information) == 0 else { return counters }
        counters.mode = information.st_mode & 0o666
        counters.owner = (information.st_uid, information.st_gid)
        guard information.st_size > 0, let database = try? Database.forMaintenance(files.database, readOnly: false)
        else {
            return counters
        }
        defer { database.close() }
        guard let condition = try? Schema.inspect(database), condition != .empty else { return counters }
        func last(_ table: String) -> Int64? {
            try? database.integer("SELECT seq FROM sqlite_sequence WHERE name = '\(table)'")
        }
        counters.lastTask = last("task_state")
        counters.lastSession = last("session")
        counters.lastManager = last("manager")
        return counters
    }
}
