public import TaskStore

extension SQLiteStore {
    /// Milliseconds between two heartbeats.
    ///
    /// Each is a commit, which all other managers have to notice.
    private static let heartbeatInterval: Int64 = 10_000

    /// Milliseconds after a heartbeat that has left old keys, or sessions that it has not looked at.
    private static let shortHeartbeatInterval: Int64 = 2000

    /// Milliseconds between two checks whether room has to be made.
    private static let upkeepInterval: Int64 = 2000

    /// The largest number of old keys that one heartbeat removes, and of sessions that it looks at: a few milliseconds
    /// of the lock.
    private static let mostRemovedAtOnce = 1000

    /// See ``Store/maintain(at:)``.
    public func maintain(at now: Timestamp) throws(StoreError) -> Maintenance {
        parts.sharedPage.countTurn(parts.livenessLock.slot)
        // Before anything is read: also an idle manager finds out that a peer was killed inside a failing sync.
        try checkAllSyncs(lockHeld: false)
        try checkFiles()
        try followClock(at: now)
        var report = Maintenance()
        try recoverDeadManagers(at: now, &report)
        // A distance in both directions, so that a clock that was set back does not stop it.
        if abs(now.rawValue - lastUpkeep) >= Self.upkeepInterval {
            try makeRoom()
            lastUpkeep = now.rawValue
        }
        let interval = hasMoreToRemove ? Self.shortHeartbeatInterval : Self.heartbeatInterval
        if abs(now.rawValue - lastHeartbeat) >= interval {
            try writeHeartbeat(at: now)
            lastHeartbeat = now.rawValue
        }
        if parts.exclusiveUse == nil { warnings += hardLinkWatcher.check(parts.files) }
        report.warnings = takeWarnings()
        if let warning = parts.checkpointer.warning(size: parts.walSync.size) { report.warnings.append(warning) }
        return report
    }

    /// Empties a log that a reader has kept long and that can be emptied now, and makes the disk reserve again.
    private func makeRoom() throws(StoreError) {
        // Checked without the lock, since nearly always nothing is to be done, and again with it.
        guard parts.checkpointer.room != .ample || parts.checkpointer.due == .checkpoint || parts.diskReserve.isMissing
        else { return }
        try parts.writerLock.lock()
        defer { parts.writerLock.unlock() }
        if parts.checkpointer.room != .ample { try checkpoint() } else { try checkpointIfDue() }
        parts.diskReserve.restore()
    }

    /// Shows that this manager lives, and does what is better done between batches than in one.
    private func writeHeartbeat(at now: Timestamp) throws(StoreError) {
        let tables = parts.tables
        var toWake: UInt64 = 0
        try parts.writerLock.lock()
        defer { parts.writerLock.unlock() }
        guard parts.checkpointer.room != .none else { return }
        let hasRow: Bool
        do {
            hasRow = try transaction(at: now, wake: &toWake) { () throws(SQLiteError) in
                let page = Self.mostRemovedAtOnce
                lastSessionLookedAt = try tables.removeIdleSessions(after: lastSessionLookedAt, atMost: page)
                let removed = try tables.removeOldKeys(atMost: Int64(page))
                hasMoreToRemove = removed == page || lastSessionLookedAt > 0
                if let moment = unwrittenCheckpoint { try tables.setEvent("checkpoint", at: moment.rawValue) }
                return try tables.heartbeat(figures)
            }
        } catch  where error.code == .busy || error.code == .full {
            // The heartbeat is only for people, and the next one comes soon.
            return
        }
        guard hasRow else { throw rowWasRemoved() }
        unwrittenCheckpoint = nil
        try checkpointIfDue()
    }

    /// Makes the error for a manager whose row was removed, by peers that took it for dead or with SQL.
    func rowWasRemoved() -> StoreError {
        StoreError(.lost, "\(path): this manager's row was removed; its claims may be others' by now")
    }
}
