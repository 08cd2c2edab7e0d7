import TaskStore

extension SQLiteStore {
    /// Runs a batch; where it comes upon a task whose body is damaged, the task is buried and the batch is run again.
    ///
    /// The writer lock is held. See ``write(_:takesPuts:wake:)``.
    func writeAround(
        _ batch: Batch,
        takesPuts: Bool,
        wake toWake: inout UInt64
    ) throws(StoreError) -> BatchResult {
        while true {
            parts.tables.damagedTask = nil
            do {
                return try write(batch, takesPuts: takesPuts, wake: &toWake)
            } catch {
                guard let damaged = parts.tables.damagedTask else { throw error }
                guard try setAside(TaskID(rawValue: damaged), at: batch.now, &toWake) else {
                    // It is out of the way, unless this very batch takes it up again.
                    throw StoreError(.failed, error.message)
                }
            }
        }
    }

    /// Buries a task whose body is not what was put, and has a person told.
    ///
    /// - Returns: false where it is buried already.
    private func setAside(_ id: TaskID, at now: Timestamp, _ toWake: inout UInt64) throws(StoreError) -> Bool {
        let isDone = try transaction(at: now, wake: &toWake) { () throws(SQLiteError) in
            try parts.tables.setAside(id)
        }
        if isDone { warnings.append("\(path): the body of task \(id) is not what was put; the task is buried") }
        return isDone
    }

    /// Lines for the log that nobody has taken yet.
    func takeWarnings() -> [String] {
        defer { warnings.removeAll() }
        return warnings
    }
}
