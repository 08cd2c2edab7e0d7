public import TaskStore

/// What is done when a file cannot grow: a full disk, a quota that is used up, a limit on a file's length.
extension SQLiteStore {
    /// Opens a database for a manager, creating it where it does not exist, and enters the manager among its peers.
    ///
    /// Peers may do the same at the same instant. The claims of managers that have died are returned before this does. If
    /// there is no room for that, the reserve is given up, as for a batch.
    ///
    /// - Parameters:
    ///   - path: the database file. Beside it appear files with the same name and `-wal`, `-shm`, `-lock` and `-reserve`
    ///     at its end, all with the database's permissions; a new database has those of ``Options/fileMode``.
    ///   - name: what people call this manager.
    ///   - address: where it listens, for people who look at the table of managers.
    ///   - now: what time it is.
    ///   - options: what can be set.
    /// - Returns: the store, for one thread at a time.
    /// - Throws: ``StoreError/Code/unusable``, ``StoreError/Code/inUse`` or ``StoreError/Code/full``, with one line that
    ///   says what is wrong.
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
                // The room that it had is needed now.
                restoresReserve: false
            )
        }
    }

    /// Runs a batch again for which there was no room.
    ///
    /// The writer lock is held.
    ///
    /// The puts are given up. The others need room too, since a change of whatever kind goes to the log first; a
    /// checkpoint makes the log's space usable again, and the reserve is for when that is not enough.
    func writeOnFullDisk(_ batch: Batch, wake toWake: inout UInt64) throws(StoreError) -> BatchResult {
        let reason: NoRoom
        do {
            reason = try parts.tables.idsAreUsedUp() ? .ids : .disk
        } catch {
            throw error.beforeCommit(path)
        }
        if reason == .disk { try checkpoint() }
        var result: BatchResult
        do {
            result = try writeAround(batch, takesPuts: false, wake: &toWake)
        } catch  where error.code == .full {
            guard parts.diskReserve.giveUp() else { throw error }
            try checkpoint()
            result = try writeAround(batch, takesPuts: false, wake: &toWake)
        }
        result.noRoom = reason
        return result
    }
}

extension TaskTables {
    /// Returns whether so few task ids are left that a statement that adds tasks may find none.
    ///
    /// SQLite has the same answer for that as for a full disk. Asked only after it was given.
    fileprivate func idsAreUsedUp() throws(SQLiteError) -> Bool {
        let last = try database.integer("SELECT max(seq) FROM sqlite_sequence WHERE name = 'task_state'") ?? 0
        return last > Int64.max - Int64(inserts.map(\.rows).max() ?? 1)
    }
}
