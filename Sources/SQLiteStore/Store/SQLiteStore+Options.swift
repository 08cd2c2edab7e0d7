public import TaskStore

extension SQLiteStore {
    /// What can be set, with values that fit.
    public struct Options: Sendable {
        /// For how many milliseconds a batch waits for another program (not a manager) that holds SQLite's write lock.
        public var busyTimeout: Int32 = 250

        /// How much of the database is kept in memory, in KiB.
        public var cacheSize = 4_096

        /// How long the key of a deleted task is kept from being put again, in seconds.
        public var uniqueRetention = QueueRules.keyRetention

        /// How long the log may become, in bytes, if a reader keeps it from being emptied.
        ///
        /// Above this length the outcome of puts is ``Outcome/storageFull``. Above twice this length nothing is
        /// written.
        public var mostLogBytes = 1 << 30

        /// Whether a database that can be reached by other paths may be used, by this manager alone.
        ///
        /// As long as it runs, no other process can open the database, by any path.
        public var allowsLinks = false

        /// How long a batch that only claims tasks waits for another manager's sync before it syncs by itself: longer
        /// than a sync takes, and not longer than a client would notice.
        public var patience = Duration.milliseconds(5)

        /// Another manager counts as silent after this long without a turn of its event loop.
        var silentAfter = Duration.seconds(2)

        /// Where the time comes from.
        var clock = StoreClock.Source.machine

        /// The permissions of a new database file; the files beside it get those of the database.
        ///
        /// They are set exactly like this, whatever the process's umask is.
        public var fileMode: UInt32 = 0o600

        /// Where the store says what it waits for, for other threads of the process.
        public var wait = StoreWait()

        /// The program's version, shown in the table of managers.
        public var version = ""

        /// The name of this host, shown in the table of managers.
        public var host = ""

        /// Makes the options that fit in most cases.
        public init() {}
    }
}
