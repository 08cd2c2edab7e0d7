/// The database and its files as an operator sees them.
public struct StoreDescription: Sendable, Equatable {
    /// The kind of a store.
    public enum Kind: String, Sendable {
        /// One SQLite file.
        case sqlite

        /// A PostgreSQL server.
        case postgresql
    }

    /// The kind.
    public var kind: Kind

    /// The version of the tables.
    public var schemaVersion: Int64

    /// The library that reads the database, or the server, with its version.
    public var library: String

    /// The tasks of all tubes, and the number of tubes.
    public var statistics: StoreStatistics

    /// The length of the database in bytes; for a server, that of the tables.
    public var databaseBytes: Int64

    /// The length of what the log holds, in bytes; `nil` if the store has no log of its own.
    public var logBytes: Int64?

    /// The length of the log from which puts are refused, in bytes.
    public var logLimitBytes: Int64?

    /// The bytes that are free on the disk; `nil` if that is not known.
    public var freeBytes: Int64?

    /// For how long the oldest reader has been keeping the database from removing what is old, in milliseconds; `nil` if
    /// that is not known, or if there is none.
    public var oldestReaderAge: Int64?

    /// Whether a reader has kept the log from being emptied at the last attempt.
    public var isLogPinned: Bool

    /// When the log was last emptied; `nil` if that is not known.
    public var lastCheckpoint: Timestamp?

    /// When the last backup ended; `nil` if there was none.
    public var lastBackup: Timestamp?

    /// Makes a description without what not every store knows.
    public init(
        kind: Kind,
        schemaVersion: Int64,
        library: String,
        statistics: StoreStatistics,
        databaseBytes: Int64
    ) {
        self.kind = kind
        self.schemaVersion = schemaVersion
        self.library = library
        self.statistics = statistics
        self.databaseBytes = databaseBytes
        self.isLogPinned = false
    }
}
