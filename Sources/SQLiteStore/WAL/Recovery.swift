import CSQLite
import Glibc
import TaskStore

/// What a manager does with the files before its first answer if no other manager lives.
///
/// It does not rely on what other processes have left. It writes the log again and syncs it; the checksums tell whether
/// the kernel still has what was written. Then it locks out all other connections, copies the log into the database,
/// syncs that, and empties the log. If power fails during this, the log on the disk is whole. The other order could
/// leave pages of a log that the disk does not have.
///
/// The writer lock is held throughout.
struct Recovery {
    let files: StoreFiles
    let sharedPage: SharedPage
    let boot: BootID

    /// Whether other programs had the database open.
    enum Outcome: Equatable {
        /// Everything is written again; the log is empty, or there was no room to copy it.
        case done

        /// Another program, not a manager, has the database open. Nothing was written, and the log still has to be
        /// written again.
        case notAlone
    }

    /// How many milliseconds to wait for a program that reads.
    private static let patience: Int32 = 2000

    /// Writes everything again.
    ///
    /// - Returns: whether that was possible.
    /// - Throws: ``StoreError/Code/acknowledgedTasksGone``, ``StoreError/Code/inUse``, ``StoreError/Code/lost``, or
    ///   ``StoreError/Code/unusable``.
    func run() throws(StoreError) -> Outcome {
        guard fileLength(files.log) > 0, fileLength(files.database) > 0 else { return .done }
        do {
            let database = try Database(path: files.database)
            defer { database.close() }
            database.setBusyTimeout(milliseconds: Self.patience)
            // Before the first read: SQLite then makes its own index of the log, with a check of each checksum, and
            // ignores the one in shared memory.
            try database.execute("PRAGMA locking_mode = EXCLUSIVE")
            try database.execute("PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0")
            let journal = try database.text("PRAGMA journal_mode")
            guard journal == "wal" else { return .done }
            // The database of another application is not changed.
            _ = try Schema.inspect(database)
            try copyLog(of: database, writeLogAgain())
            return .done
        } catch let error as SQLiteError where error.primaryCode == SQLITE_BUSY {
            try LogCheck(files: files).check(checkAcknowledged)
            return .notAlone
        } catch let error as SQLiteError {
            throw error.whileOpening(files.database)
        } catch let error as StoreError {
            throw error
        } catch {
            throw StoreError(.unusable, "\(files.database): \(error)")
        }
    }

    /// Writes the log again and syncs it.
    ///
    /// - Returns: what was found in the log.
    private func writeLogAgain() throws -> WALFile.Found {
        let descriptor = open(files.log, O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else { throw StoreError(.unusable, "\(files.log): \(lastSystemError())") }
        defer { close(descriptor) }
        let log = WALFile(descriptor: descriptor, path: files.log)
        do {
            guard let header = try log.header() else { return WALFile.Found(whole: 0, committed: 0) }
            let found = try log.writeAgain(header)
            try checkAcknowledged(header.salt, found.committed)
            while fdatasync(descriptor) == -1 {
                guard errno == EINTR else {
                    throw StoreError(
                        .lost,
                        "\(files.log): syncing failed, what is on the disk is unknown: \(lastSystemError())"
                    )
                }
            }
            return found
        } catch {
            if let error = error as? StoreError, error.code == .lost { recordIOFailure() }
            throw error
        }
    }

    /// Compares the log with the last frame that a manager has acknowledged.
    private func checkAcknowledged(_ salt: UInt32, _ committed: Int) throws(StoreError) {
        guard sharedPage.isKnownLayout else { return }
        let acknowledged = sharedPage.acknowledged
        guard acknowledged.salt == salt, acknowledged.frames > committed else { return }
        throw StoreError(
            .acknowledgedTasksGone,
            """
            \(files.log): tasks that were acknowledged are gone: the log ends after \(committed) frames, and \
            \(acknowledged.frames) were acknowledged. Put a backup in place; or, to accept the loss, remove \(files.lock) and \
            start again
            """
        )
    }

    private func copyLog(of database: Database, _ log: WALFile.Found) throws {
        do {
            // Managers extend the file ahead of need, and a power cut may undo that. SQLite reports a file as damaged
            // if it is much shorter than the log says.
            try database.allocate(bytes: log.databaseBytes, atLeast: log.databaseBytes)
            let result = try database.checkpoint(SQLITE_CHECKPOINT_TRUNCATE)
            guard result.finished, result.frames <= 0 || result.frames == log.committed else {
                throw StoreError(
                    .lost,
                    "\(files.log): \(log.committed) frames are whole, and SQLite has \(result.frames)"
                )
            }
            try database.syncFile()
        } catch let error as SQLiteError where error.isFull {
            // The log is on the disk, and nothing counts as copied. The database is used with it.
        } catch let error as SQLiteError {
            recordIOFailure()
            throw StoreError(.lost, "\(files.database): copying the log into the database failed (\(error.message))")
        }
    }

    /// Records that the next manager cannot rely on the files either.
    private func recordIOFailure() {
        if !sharedPage.isKnownLayout { sharedPage.initialise(for: boot) }
        sharedPage.hasIOFailed = true
    }
}
