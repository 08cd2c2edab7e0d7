import CSQLite
import TaskStore

/// The files as other programs may have left them, and the log on its way into the database.
extension SQLiteStore {
    /// Checks that the names still lead to the files that are open, and that these are whole.
    func checkFiles() throws(StoreError) {
        guard FileIdentity(path: path) == parts.identities.database else {
            throw StoreError(.lost, "\(path): the database was removed or replaced")
        }
        guard FileIdentity(path: parts.files.lock) == parts.identities.lock else {
            throw StoreError(.lost, "\(parts.files.lock): the lock file was removed or replaced")
        }
        // Programs that open the database after that make a new one, and they and this manager do not see each other's
        // locks.
        guard FileIdentity(path: parts.files.sharedMemory) == parts.identities.sharedMemory else {
            throw StoreError(.lost, "\(parts.files.sharedMemory): SQLite's shared memory was removed or replaced")
        }
        try parts.walSync.check()
        try checkLength()
    }

    /// Checks that no program has cut the database short: SQLite would continue and read zeros.
    ///
    /// Before each batch, since a batch may extend the file ahead of need, and then it is long again.
    func checkLength() throws(StoreError) {
        let length = fileLength(path)
        defer { lastLength = length }
        guard length < lastLength else { return }
        // A VACUUM and a checkpoint of another program make it shorter too, and then it has as many pages as it says.
        let pages: Int64
        do {
            pages = try parts.database.integer("PRAGMA page_count") ?? 0
        } catch {
            throw error.beforeCommit(path)
        }
        guard length >= pages * Int64(parts.database.pageSize) else {
            throw StoreError(.lost, "\(path): the database was cut short")
        }
    }

    /// Empties the log if it has been copied, or should have been by now.
    ///
    /// The writer lock is held, and no transaction is open.
    ///
    /// - Throws: ``StoreError/Code/lost``. A full disk is no error here: the next manager that writes meets it and
    ///   reports it.
    func checkpointIfDue() throws(StoreError) {
        try checkNoIOFailure()
        guard parts.checkpointer.due == .checkpoint else { return }
        try parts.wait.during(.disk) { () throws(StoreError) in try checkpoint() }
    }

    /// Checks the files, copies the log, or the rest of it, into the database as far as readers permit, and starts the
    /// log over.
    ///
    /// The writer lock is held, and no transaction is open.
    ///
    /// - Parameter mode: as for ``Checkpointer/checkpoint(_:)``.
    /// - Throws: ``StoreError/Code/lost``.
    func checkpoint(_ mode: Int32 = SQLITE_CHECKPOINT_RESTART) throws(StoreError) {
        parts.backgroundCheckpoint.waitUntilDone()
        try checkNoIOFailure()
        try checkFiles()
        try parts.walSync.checkFrames(parts.checkpointer.framesLeft)
        do {
            try parts.checkpointer.checkpoint(mode)
            if parts.sharedPage.logFrames == 0 { unwrittenCheckpoint = Timestamp(rawValue: parts.tables.now) }
        } catch  where error.isFull {
            // There was no room for the database to grow; what could be copied was.
        } catch {
            // It is not known which of the copied pages the disk holds.
            parts.sharedPage.hasIOFailed = true
            throw parts.backgroundCheckpoint.failure
                ?? StoreError(.lost, "\(path): copying the log into the database failed (\(error.message))")
        }
    }
}
