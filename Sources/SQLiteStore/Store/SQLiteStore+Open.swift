import CSQLite
import Glibc
public import TaskStore

extension SQLiteStore {
    /// Opens a database for a manager, creates it if it does not exist, and enters the manager among its peers.
    ///
    /// Peers may do the same at the same instant. The claims of dead managers are returned before this returns. If
    /// there is no room for that, the disk reserve is given up, as for a batch.
    ///
    /// - Parameters:
    ///   - path: the database file. Files with the same name and `-wal`, `-shm`, `-lock` and `-reserve` at the end
    ///     appear beside it, all with the database's permissions. A new database has those of ``Options/fileMode``.
    ///   - name: what people call this manager.
    ///   - address: its address, shown in the table of managers.
    ///   - now: the time.
    ///   - options: what can be set.
    /// - Returns: the store, for one thread at a time.
    /// - Throws: ``StoreError/Code/unusable``, ``StoreError/Code/inUse`` or ``StoreError/Code/full``, with one line
    ///   that says what is wrong.
    public static func open(
        path: String,
        name: String,
        address: String,
        at now: Timestamp,
        options: Options = Options()
    ) throws(StoreError) -> SQLiteStore {
        do {
            return try openOnce(path: path, name: name, address: address, at: now, options: options)
        } catch  where error.code == .full {
            guard let files = try? StoreFiles(path), DiskReserve(path: files.reserve, mode: 0).giveUp() else {
                throw error
            }
            return try openOnce(
                path: path,
                name: name,
                address: address,
                at: now,
                options: options,
                // Its room is needed now.
                restoresReserve: false
            )
        }
    }

    /// Opens a database; see ``open(path:name:address:at:options:)``.
    ///
    /// - Parameters:
    ///   - path: the database file.
    ///   - name: what people call this manager.
    ///   - address: its address.
    ///   - now: the time.
    ///   - options: what can be set.
    ///   - restoresReserve: whether the disk reserve is made if it is missing.
    /// - Returns: the store, for one thread at a time.
    /// - Throws: ``StoreError``; ``StoreError/Code/full`` if giving up the reserve may help.
    private static func openOnce(
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
        // A file of another application is refused before anything appears beside it. If managers have been here, this
        // waits for the lock first, so as not to disturb one that needs the file for itself.
        if FileIdentity(path: files.lock) == nil { try inspect(files.database) }

        let mode = permissions(files.database, otherwise: mode_t(options.fileMode))
        let lock = try WriterLock(path: files.lock, mode: mode, wait: options.wait)
        try lock.lock()
        defer { lock.unlock() }
        try RestoreMark(files).check()
        let sharedPage = try lock.mapSharedPage()
        let living = try waitUntilTrusted(files, lock, sharedPage)
        let isAlone = living.isEmpty
        // Before anything is read: after a failed sync the kernel may show bytes that were never written.
        try options.wait.during(.disk) { () throws(StoreError) in
            if isAlone { try recover(files, sharedPage) } else { try checkDeadSyncs(files, sharedPage, living) }
        }
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
        let slot = livenessLock.slot
        let walSync = try WALSync(path: files.log, pageSize: database.pageSize)
        let backgroundCheckpoint = try BackgroundCheckpoint(
            path: files.database,
            sharedPage: sharedPage,
            slot: slot,
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
            wait: options.wait,
            sharedPage: sharedPage,
            livenessLock: livenessLock,
            tubeNotifications: try TubeNotifications(path: files.lock),
            peerWakeup: PeerWakeup(sharedPage, slot: slot),
            walWatcher: WALWatcher(path: files.log),
            walSync: walSync,
            groupCommit: GroupCommit(walSync, sharedPage: sharedPage, slot: slot, patience: options.patience),
            overlappingSyncs: OverlappingSyncs(sharedPage, livenessLock),
            checkpointer: Checkpointer(
                database,
                backgroundCheckpoint: backgroundCheckpoint,
                sharedPage: sharedPage,
                options: options
            ),
            diskReserve: diskReserve
        )
        let store = SQLiteStore(parts, hostName: options.host, silentAfter: options.silentAfter, at: now)
        _ = parts.walWatcher?.arm()
        try store.join(isAlone: isAlone, name: name, address: address, version: options.version, at: now)
        parts.walWatcher?.verify()
        try store.makeDurable(lockHeld: true)
        try syncDirectory(files.directory)
        return store
    }

    /// Waits until no living manager has met a failed write or sync.
    ///
    /// The writer lock is held, and released while this waits.
    ///
    /// - Returns: the slots of the managers that live.
    /// - Throws: ``StoreError/Code/inUse`` after ten seconds, or at once if living managers are of another version.
    private static func waitUntilTrusted(
        _ files: StoreFiles,
        _ lock: WriterLock,
        _ sharedPage: SharedPage
    ) throws(StoreError) -> [Int] {
        let deadline = ContinuousClock.now + .seconds(10)
        while true {
            let living = try LivenessLock.living(path: files.lock)
            if living.isEmpty { return [] }
            guard sharedPage.isKnownLayout else {
                throw StoreError(
                    .inUse,
                    """
                    \(files.database): managers of another version of Beanrow are running, \(FileUsers.describe(files.lock)); \
                    this one can start when they have ended
                    """
                )
            }
            guard sharedPage.hasIOFailed else { return living }
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

    /// Checks that nothing is lost that managers wrote which then died inside a sync.
    ///
    /// ``recoverFromDeadSyncs(lockHeld:)`` does this too, and writes these frames again. But it needs the database to
    /// be open, and a lost page of the tables looks like a damaged database.
    ///
    /// The writer lock is held.
    private static func checkDeadSyncs(
        _ files: StoreFiles,
        _ sharedPage: SharedPage,
        _ living: [Int]
    ) throws(StoreError) {
        let points = (0..<SharedPage.slots).filter { !living.contains($0) }.flatMap { sharedPage.marked($0) }
        guard !points.isEmpty else { return }
        try LogCheck(files: files).checkFrames(from: points, sharedPage)
    }

    /// Makes sure that a manager can rely on the files and on the shared page.
    ///
    /// The writer lock is held, and no other manager lives.
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
}
