// docs/json.md says more about the fields. Times are RFC 3339 in UTC.

/// The store.
public struct InspectedStore: Sendable, Equatable, Decodable {
    /// `sqlite` or `postgresql`.
    public var kind: String

    /// The version of the tables.
    public var schemaVersion: Int

    /// SQLite or the server, with its version.
    public var library: String

    /// The number of tubes.
    public var tubes: Int

    /// Tasks that wait for a consumer.
    public var pending: Int

    /// Pending tasks with a priority below 1024.
    public var urgent: Int

    /// Tasks whose delay is not over.
    public var delayed: Int

    /// Tasks that sessions hold.
    public var claimed: Int

    /// Tasks that are set aside.
    public var buried: Int

    /// Tasks ever put.
    public var totalTasks: Int

    /// The length of the database.
    public var databaseBytes: Int64

    /// What SQLite's log holds.
    public var logBytes: Int64?

    /// The length of the log from which puts are refused.
    public var logLimitBytes: Int64?

    /// Free space on the disk.
    public var freeBytes: Int64?

    /// Whether a reader has kept the log from being emptied.
    public var logIsPinned: Bool

    /// For how long the oldest reader has kept old rows.
    public var oldestReaderAgeSeconds: Double?

    /// When the log was last emptied.
    public var lastCheckpoint: String?

    /// When the last backup ended.
    public var lastBackup: String?

    enum CodingKeys: String, CodingKey {
        case kind, library, tubes, pending, urgent, delayed, claimed, buried
        case schemaVersion = "schema_version"
        case totalTasks = "total_tasks"
        case databaseBytes = "database_bytes"
        case logBytes = "log_bytes"
        case logLimitBytes = "log_limit_bytes"
        case freeBytes = "free_bytes"
        case logIsPinned = "log_is_pinned"
        case oldestReaderAgeSeconds = "oldest_reader_age_seconds"
        case lastCheckpoint = "last_checkpoint"
        case lastBackup = "last_backup"
    }
}
