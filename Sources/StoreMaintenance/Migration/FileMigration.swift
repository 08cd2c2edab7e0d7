internal import SQLiteStore
internal import TaskStore

/// The migration of an SQLite file.
struct FileMigration: MigrationSteps {
    /// The version of SQLite, and the version of the tables that this program knows.
    static var library: String { Database.linkedVersion }
    static var schema: Int64 { Schema.version }

    /// The file.
    var path: String

    func status() throws -> Migration.Status {
        let database = try MaintenanceDatabase.openForReading(path)
        defer { database.close() }
        let wanted = Schema.version
        return switch try Schema.inspect(database) {
        case .empty: Migration.Status(found: nil, wanted: wanted)
        case .current: Migration.Status(found: wanted, wanted: wanted)
        case .older(let version): Migration.Status(found: version, wanted: wanted)
        }
    }

    func sql(from found: Int64) -> String { Schema.steps(from: found) }

    func run() throws {
        try write { database in
            // FULL: the commit returns when it is on the disk.
            try database.execute("PRAGMA synchronous = FULL")
            try Schema.establish(database)
        }
    }

    func rehearse(_ sql: String) throws {
        try write { database in
            try database.execute("BEGIN IMMEDIATE")
            try database.execute(sql)
            try database.execute("ROLLBACK")
        }
    }

    private func write(_ body: (Database) throws -> Void) throws {
        try MaintenanceDatabase.checkReadable(path)
        let files = try StoreFiles(path)
        let lock = try WriterLock(path: files.lock, mode: 0o600)
        try lock.lock()
        defer { lock.unlock() }
        do {
            let database = try Database.forMaintenance(files.database, readOnly: false)
            defer { database.close() }
            try body(database)
        } catch let error as SQLiteError {
            throw error.whileOpening(path)
        }
    }
}
