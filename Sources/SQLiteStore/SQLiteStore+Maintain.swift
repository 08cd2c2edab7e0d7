public import TaskStore

extension SQLiteStore {
    /// Milliseconds between two heartbeats.
    private static let heartbeatInterval: Int64 = 2000

    /// How many keys past their time one heartbeat removes at most: a few milliseconds of the lock.
    private static let mostKeysForgottenAtOnce: Int64 = 1000

    /// See ``Store/maintain(at:)``.
    public func maintain(at now: Timestamp) throws(StoreError) -> Maintenance {
        try checkFiles()
        var report = Maintenance()
        report.recovered = try recoverDead(at: now)
        // A distance in both directions, so that a clock that was set back does not silence it.
        if abs(now.rawValue - lastHeartbeat) >= Self.heartbeatInterval {
            try beat(at: now)
            lastHeartbeat = now.rawValue
        }
        if let warning = parts.checkpointer.warning(size: parts.logSync.size) { report.warnings.append(warning) }
        return report
    }

    /// Checks that the names still lead to the files that are open.
    private func checkFiles() throws(StoreError) {
        guard FileIdentity(path: path) == parts.identities.database else {
            throw StoreError(.lost, "\(path): the database was removed or replaced")
        }
        guard FileIdentity(path: parts.files.lock) == parts.identities.lock else {
            throw StoreError(.lost, "\(parts.files.lock): the lock file was removed or replaced")
        }
        // Programs that open the database after that make a new one: they and we do not see each other's locks.
        guard FileIdentity(path: parts.files.sharedMemory) == parts.identities.sharedMemory else {
            throw StoreError(.lost, "\(parts.files.sharedMemory): SQLite's shared memory was removed or replaced")
        }
        try parts.logSync.check()
    }

    /// Shows that this manager lives, and does what is better done between batches than in one.
    private func beat(at now: Timestamp) throws(StoreError) {
        let ledger = parts.ledger
        var toWake: UInt64 = 0
        try parts.lock.acquire()
        defer { parts.lock.release() }
        do {
            try parts.checkpointer.checkpointIfCrowded()
        } catch  where error.isFull {
            return
        } catch {
            throw error.duringCommit(path)
        }
        guard parts.checkpointer.room != .none else { return }
        let isEntered: Bool
        do {
            isEntered = try transaction(at: now, wake: &toWake) { () throws(SQLiteError) in
                try ledger.removeIdleSessions()
                try ledger.forgetKeys(atMost: Self.mostKeysForgottenAtOnce)
                return try ledger.heartbeat()
            }
        } catch  where error.code == .busy || error.code == .full {
            // Only a sign for people; the next one comes soon.
            return
        }
        guard isEntered else {
            throw StoreError(.lost, "\(path): this manager's row was removed; its claims may be others' by now")
        }
        do {
            try parts.checkpointer.checkpointIfDue()
        } catch  where error.isFull {
            // Batches meet the full disk and say so.
        } catch {
            throw error.duringCommit(path)
        }
        parts.ballast.restore()
    }
}
