import CSQLite
import Glibc
import TaskStore

extension SQLiteStore {
    /// Opens a database; see ``open(path:name:address:at:options:)``.
    ///
    /// - Parameters:
    ///   - path: the database file.
    ///   - name: what people call this manager.
    ///   - address: where it listens.
    ///   - now: what time it is.
    ///   - options: what can be set.
    ///   - restoresReserve: whether room for a full disk is set aside if it is not.
    /// - Returns: the store, for one thread at a time.
    /// - Throws: ``StoreError``; ``StoreError/Code/full`` if the reserve may help.
    static func openOnce(
        path: String,
        name: String,
        address: String,
        at now: Timestamp,
        options: Options,
        restoresReserve: Bool = true
    ) throws(StoreError) -> SQLiteStore {
        let files = try StoreFiles(path)
        try FileSystemCheck.check(files)
        let exclusiveUse = try ExclusiveUse.check(files, isAllowed: options.allowsLinks)
        // A foreign file is refused before anything appears beside it. If managers have been here it waits its turn, so as
        // not to be in the way of one that needs the file for itself.
        if FileIdentity(path: files.lock) == nil { try inspect(files.database) }

        let mode = permissions(files.database, otherwise: mode_t(options.fileMode))
        let lock = try WriterLock(path: files.lock, mode: mode)
        try lock.lock()
        defer { lock.unlock() }
        let sharedPage = try lock.mapSharedPage()
        let isAlone = try waitUntilTrusted(files, lock, sharedPage)
        // Before anything is read: after a failed sync the kernel may show bytes that were never written.
        if isAlone { try recover(files, sharedPage) }
        if try !inspect(files.database) { try create(files.database, mode) }

        let livenessLock = try LivenessLock(path: files.lock)
        let database = try connect(files.database)
        let tables = try configure(database, options)
        try exclusiveUse?.lockOutOthers(database)
        guard let databaseIdentity = FileIdentity(path: files.database), let lockIdentity = lock.identity,
            let sharedMemoryIdentity = FileIdentity(path: files.sharedMemory)
        else {
            throw StoreError(.unusable, "\(files.database): removed while it was being opened")
        }
        let walSync = try WALSync(path: files.log, pageSize: database.pageSize)
        let backgroundCheckpoint = try BackgroundCheckpoint(
            path: files.database,
            sharedPage: sharedPage,
            slot: livenessLock.slot,
            log: walSync
        )
        let diskReserve = DiskReserve(path: files.reserve, mode: mode)
        if restoresReserve { diskReserve.restore() }

        let parts = Parts(
            files: files,
            identities: (databaseIdentity, lockIdentity, sharedMemoryIdentity),
            backgroundCheckpoint: backgroundCheckpoint,
            exclusiveUse: exclusiveUse,
            database: database,
            tables: tables,
            clock: StoreClock(sharedPage, options.clock),
            writerLock: lock,
            sharedPage: sharedPage,
            livenessLock: livenessLock,
            tubeNotifications: try TubeNotifications(path: files.lock),
            peerWakeup: PeerWakeup(sharedPage, slot: livenessLock.slot),
            walWatcher: WALWatcher(path: files.log),
            walSync: walSync,
            groupCommit: GroupCommit(
                walSync,
                sharedPage: sharedPage,
                slot: livenessLock.slot,
                patience: options.patience
            ),
            checkpointer: Checkpointer(
                database,
                backgroundCheckpoint: backgroundCheckpoint,
                sharedPage: sharedPage,
                options: options
            ),
            diskReserve: diskReserve
        )
        let store = SQLiteStore(parts, silence: options.silence, at: now)
        _ = parts.walWatcher?.arm()
        try store.join(isAlone: isAlone, name: name, address: address, version: options.version, at: now)
        parts.walWatcher?.checkItSaw()
        try store.makeDurable(lockHeld: true)
        try syncDirectory(files.directory)
        return store
    }

    /// Waits until no living manager has reason to distrust the disk.
    ///
    /// The writer lock is held, and let go while it waits.
    ///
    /// - Returns: whether no other manager lives.
    /// - Throws: ``StoreError/Code/inUse`` after ten seconds, or at once if living managers are of another version.
    private static func waitUntilTrusted(
        _ files: StoreFiles,
        _ lock: WriterLock,
        _ sharedPage: SharedPage
    ) throws(StoreError) -> Bool {
        let deadline = ContinuousClock.now + .seconds(10)
        while true {
            if try LivenessLock.living(path: files.lock).isEmpty { return true }
            guard sharedPage.isKnownLayout else {
                throw StoreError(
                    .inUse,
                    """
                    \(files.database): managers of another version of Beanrow are running, \(FileUsers.describe(files.lock)); \
                    this one can start when they have ended
                    """
                )
            }
            guard sharedPage.hasIOFailed else { return false }
            guard ContinuousClock.now < deadline else {
                throw StoreError(
                    .inUse,
                    """
                    \(files.database): a write or a sync has failed, and everything has to be written again; that can begin \
                    when the other managers have ended: \(FileUsers.describe(files.lock))
                    """
                )
            }
            lock.unlock()
            usleep(50_000)
            try lock.lock()
        }
    }

    /// Makes the files and the shared words ones that a manager can rely on.
    ///
    /// The writer lock is held and no other manager lives.
    private static func recover(_ files: StoreFiles, _ sharedPage: SharedPage) throws(StoreError) {
        let boot = try BootID.current()
        let outcome = try Recovery(files: files, sharedPage: sharedPage, boot: boot).run()
        if outcome == .notAlone, sharedPage.isOf(boot), sharedPage.hasIOFailed {
            throw StoreError(
                .inUse,
                """
                \(files.database): a write or a sync has failed, and everything has to be written again; that can begin when \
                no other program has the file open: \(FileUsers.describe(files.database))
                """
            )
        }
        guard sharedPage.isOf(boot) else { return sharedPage.initialise(for: boot) }
        sharedPage.startOver(keepingMarks: outcome == .notAlone)
    }

    /// Opens a file that exists.
    private static func connect(_ path: String) throws(StoreError) -> Database {
        do {
            let database = try Database(path: path)
            database.setBusyTimeout(milliseconds: 5000)
            return database
        } catch {
            throw error.whileOpening(path)
        }
    }

    /// Checks that a file, if it is there, is a database of Beanrow's.
    ///
    /// - Returns: whether there is a file.
    /// - Throws: ``StoreError/Code/unusable``.
    @discardableResult
    private static func inspect(_ path: String) throws(StoreError) -> Bool {
        var information = stat()
        guard stat(path, &information) == 0 else { return false }
        guard information.st_size > 0 else { return true }
        let database = try connect(path)
        defer { database.close() }
        _ = try Schema.inspect(database)
        return true
    }

    /// Creates an empty file where there is none.
    ///
    /// Not left to SQLite, which would let everybody read it. Closing the descriptor can drop no lock of SQLite's, since
    /// nobody can have opened the file before.
    private static func create(_ path: String, _ mode: mode_t) throws(StoreError) {
        let descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode)
        if descriptor >= 0 {
            FileMode.set(of: descriptor, mode)
            close(descriptor)
        } else if errno != EEXIST {
            throw StoreError(opening: path)
        }
    }

    /// The permissions that the files beside the database get: the database's own.
    private static func permissions(_ path: String, otherwise mode: mode_t) -> mode_t {
        var information = stat()
        return stat(path, &information) == 0 ? information.st_mode & 0o666 : mode
    }

    /// Sets a connection up and makes the tables.
    ///
    /// The writer lock is held.
    private static func configure(_ database: Database, _ options: Options) throws(StoreError) -> TaskTables {
        _ = try Schema.inspect(database)
        let journal: String
        do {
            journal = try database.text("PRAGMA journal_mode = WAL")
        } catch {
            throw error.whileOpening(database.path)
        }
        guard journal == "wal" else {
            throw StoreError(.unusable, "\(database.path): the file system does not support SQLite's WAL mode")
        }
        try Schema.establish(database)
        do {
            try database.learnPageSize()
            // NORMAL: the commit itself does not sync; makeDurable() does, after the next writer was let in.
            try database.execute(
                """
                PRAGMA synchronous = NORMAL;
                PRAGMA wal_autocheckpoint = 0;
                PRAGMA journal_size_limit = \(Checkpointer.bytes * 2);
                PRAGMA cache_size = \(-options.cacheSize);
                PRAGMA temp_store = MEMORY;
                PRAGMA secure_delete = OFF;
                PRAGMA ignore_check_constraints = \(checksRows ? "OFF" : "ON");
                """
            )
            // Triggers keep the counts for everybody's SQL; a batch adds its own up and writes each tube once.
            try database.enableTriggers(false)
            database.countFrames()
            database.setChunkSize(bytes: TaskTables.growth)
            let tables = try TaskTables(database)
            tables.keyRetention = Int64(options.uniqueRetention) * 1000
            database.setBusyTimeout(milliseconds: options.busyTimeout)
            return tables
        } catch {
            throw error.whileOpening(database.path)
        }
    }

    /// Whether SQLite holds what a manager writes against the tables' CHECKs, as it does with everybody's SQL.
    ///
    /// Only in debug builds, and so in the tests: they cost a tenth of what a put does under the writer lock, and each
    /// statement sets what has to fit together at once. `PRAGMA integrity_check` knows them too.
    private static var checksRows: Bool {
        #if DEBUG
        true
        #else
        false
        #endif
    }
}
