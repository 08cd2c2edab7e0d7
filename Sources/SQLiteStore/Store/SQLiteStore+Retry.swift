import TaskStore

/// What is done if a batch fails for a reason that can be removed: a damaged body, or no room.
extension SQLiteStore {
    /// Runs a batch again that has failed, after the reason was removed.
    ///
    /// The writer lock is held. See ``write(_:takesPuts:wake:)``.
    ///
    /// - Throws: the same error if there is nothing to remove.
    func writeAgain(
        _ batch: Batch,
        after error: StoreError,
        takesPuts: Bool,
        wake toWake: inout UInt64
    ) throws(StoreError) -> BatchResult {
        do {
            return try writeWithoutDamaged(batch, after: error, takesPuts: takesPuts, wake: &toWake)
        } catch  where error.code == .full {
            return try writeOnFullDisk(batch, wake: &toWake)
        }
    }

    // Damaged bodies.

    /// Buries the task whose damaged body was the reason, and runs the batch again, until no such task is left.
    private func writeWithoutDamaged(
        _ batch: Batch,
        after first: StoreError,
        takesPuts: Bool,
        wake toWake: inout UInt64
    ) throws(StoreError) -> BatchResult {
        var reason = first
        while let damaged = parts.tables.takeDamagedTask() {
            guard try buryDamaged(damaged, at: batch.now, &toWake) else {
                // It is buried already, and this batch itself kicks it.
                throw StoreError(.failed, reason.message)
            }
            do {
                return try write(batch, takesPuts: takesPuts, wake: &toWake)
            } catch {
                reason = error
            }
        }
        throw reason
    }

    /// Buries a task whose body is not what was put, and adds a line for the program's log.
    ///
    /// - Returns: false if it is buried already.
    private func buryDamaged(_ id: TaskID, at now: Timestamp, _ toWake: inout UInt64) throws(StoreError) -> Bool {
        let isDone = try transaction(at: now, wake: &toWake) { () throws(SQLiteError) in
            try parts.tables.buryDamaged(id)
        }
        if isDone { warnings.append("\(path): the body of task \(id) is not what was put; the task is buried") }
        return isDone
    }

    // A full disk, a used-up quota, or the largest length of a file.

    /// Runs a batch again for which there was no room.
    ///
    /// The puts are given up. The other operations need room too, since every change goes to the log first. A
    /// checkpoint makes the log's space usable again. The reserve is for the case that this is not enough.
    private func writeOnFullDisk(_ batch: Batch, wake toWake: inout UInt64) throws(StoreError) -> BatchResult {
        let reason: NoRoom
        do {
            reason = try parts.tables.areIDsUsedUp() ? .ids : .disk
        } catch {
            throw error.beforeCommit(path)
        }
        if reason == .disk { try checkpoint() }
        var result: BatchResult
        do {
            result = try writeWithoutPuts(batch, wake: &toWake)
        } catch  where error.code == .full {
            guard parts.diskReserve.giveUp() else { throw error }
            try checkpoint()
            result = try writeWithoutPuts(batch, wake: &toWake)
        }
        result.noRoom = reason
        return result
    }

    private func writeWithoutPuts(_ batch: Batch, wake toWake: inout UInt64) throws(StoreError) -> BatchResult {
        do {
            return try write(batch, takesPuts: false, wake: &toWake)
        } catch {
            return try writeWithoutDamaged(batch, after: error, takesPuts: false, wake: &toWake)
        }
    }
}

extension TaskTables {
    /// Returns whether so few task ids are left that a statement that adds tasks may find none.
    ///
    /// SQLite reports that like a full disk, so this is checked only after such an error.
    fileprivate func areIDsUsedUp() throws(SQLiteError) -> Bool {
        let last = try database.integer("SELECT max(seq) FROM sqlite_sequence WHERE name = 'task_state'") ?? 0
        return last > Int64.max - Int64(statements.put.multiRow.map(\.rows).max() ?? 1)
    }
}
