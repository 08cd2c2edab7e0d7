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
        let soleUse = try SoleUse.check(files, isAllowed: options.allowsLinks)
        // A foreign file is refused before anything appears beside it. If managers have been here it waits its turn, so as
        // not to be in the way of one that needs the file for itself.
        if FileIdentity(path: files.lock) == nil { try inspect(files.database) }

        let mode = permissions(files.database, otherwise: mode_t(options.fileMode))
        let lock = try WriterLock(path: files.lock, mode: mode)
        try lock.acquire()
        defer { lock.release() }
        let board = try lock.map()
        let isAlone = try waitForTrust(files, lock, board)
        // Before anything is read: after a failed sync the kernel may show bytes that were never written.
        if isAlone { try recover(files, board) }
        if try !inspect(files.database) { try create(files.database, mode) }

        let slot = try Slot(path: files.lock)
        let database = try connect(files.database)
        let ledger = try configure(database, options)
        try soleUse?.keepOthersOut(database)
        guard let databaseIdentity = FileIdentity(path: files.database), let lockIdentity = lock.identity,
            let sharedMemoryIdentity = FileIdentity(path: files.sharedMemory)
        else {
            throw StoreError(.unusable, "\(files.database): removed while it was being opened")
        }
        let logSync = try LogSync(path: files.log, pageSize: database.pageSize)
        let copier = try LogCopier(path: files.database, board: board, slot: slot.number, log: logSync)
        let ballast = Ballast(path: files.reserve, mode: mode)
        if restoresReserve { ballast.restore() }

        let parts = Parts(
            files: files,
            identities: (databaseIdentity, lockIdentity, sharedMemoryIdentity),
            copier: copier,
            soleUse: soleUse,
            database: database,
            ledger: ledger,
            clock: StoreClock(board, options.clock),
            lock: lock,
            board: board,
            slot: slot,
            bells: try TubeBells(path: files.lock),
            bell: Bell(board, slot: slot.number),
            logWatch: LogWatch(path: files.log),
            logSync: logSync,
            sharedSync: SharedSync(logSync, board: board, slot: slot.number, patience: options.patience),
            checkpointer: Checkpointer(database, copier: copier, board: board, options: options),
            ballast: ballast
        )
        let store = SQLiteStore(parts, silence: options.silence, at: now)
        _ = parts.logWatch?.arm()
        try store.join(isAlone: isAlone, name: name, address: address, version: options.version, at: now)
        parts.logWatch?.checkItSaw()
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
    private static func waitForTrust(
        _ files: StoreFiles,
        _ lock: WriterLock,
        _ board: SharedBoard
    ) throws(StoreError) -> Bool {
        let deadline = ContinuousClock.now + .seconds(10)
        while true {
            if try Slot.living(path: files.lock).isEmpty { return true }
            guard board.isKnownLayout else {
                throw StoreError(
                    .inUse,
                    """
                    \(files.database): managers of another version of Beanrow are running, \(Users.describe(of: files.lock)); \
                    this one can start when they have ended
                    """
                )
            }
            guard board.isSuspect else { return false }
            guard ContinuousClock.now < deadline else {
                throw StoreError(
                    .inUse,
                    """
                    \(files.database): a write or a sync has failed, and everything has to be written again; that can begin \
                    when the other managers have ended: \(Users.describe(of: files.lock))
                    """
                )
            }
            lock.release()
            usleep(50_000)
            try lock.acquire()
        }
    }

    /// Makes the files and the shared words ones that a manager can rely on.
    ///
    /// The writer lock is held and no other manager lives.
    private static func recover(_ files: StoreFiles, _ board: SharedBoard) throws(StoreError) {
        let boot = try BootID.current()
        let outcome = try Recovery(files: files, board: board, boot: boot).run()
        if outcome == .notAlone, board.isOf(boot), board.isSuspect {
            throw StoreError(
                .inUse,
                """
                \(files.database): a write or a sync has failed, and everything has to be written again; that can begin when \
                no other program has the file open: \(Users.describe(of: files.database))
                """
            )
        }
        guard board.isOf(boot) else { return board.initialise(for: boot) }
        board.startOver(keepingMarks: outcome == .notAlone)
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
            NewFile.setMode(of: descriptor, mode)
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
    private static func configure(_ database: Database, _ options: Options) throws(StoreError) -> Ledger {
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
            database.setChunkSize(bytes: Ledger.growth)
            let ledger = try Ledger(database)
            ledger.keyRetention = Int64(options.uniqueRetention) * 1000
            database.setBusyTimeout(milliseconds: options.busyTimeout)
            return ledger
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
