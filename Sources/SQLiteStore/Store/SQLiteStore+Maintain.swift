public import TaskStore

extension SQLiteStore {
    /// Milliseconds between two heartbeats: each is a commit, which all other managers have to look at.
    private static let heartbeatInterval: Int64 = 10_000

    /// Milliseconds after a heartbeat that left something to do.
    private static let hurriedInterval: Int64 = 2000

    /// Milliseconds between two looks at what may want room.
    private static let upkeepInterval: Int64 = 2000

    /// How many keys past their time one heartbeat removes at most: a few milliseconds of the lock.
    private static let mostKeysForgottenAtOnce = 1000

    /// See ``Store/maintain(at:)``.
    public func maintain(at now: Timestamp) throws(StoreError) -> Maintenance {
        parts.sharedPage.countTurn(parts.livenessLock.slot)
        try checkNoIOFailure()
        try checkFiles()
        try followClock(at: now)
        var report = Maintenance()
        try recoverDeadManagers(at: now, &report)
        // A distance in both directions, so that a clock that was set back does not silence it.
        if abs(now.rawValue - lastUpkeep) >= Self.upkeepInterval {
            try makeRoom()
            lastUpkeep = now.rawValue
        }
        let interval = hasMoreToForget ? Self.hurriedInterval : Self.heartbeatInterval
        if abs(now.rawValue - lastHeartbeat) >= interval {
            try writeHeartbeat(at: now)
            lastHeartbeat = now.rawValue
        }
        if parts.exclusiveUse == nil { warnings += hardLinkWatcher.check(parts.files) }
        report.warnings = takeWarnings()
        if let warning = parts.checkpointer.warning(size: parts.walSync.size) { report.warnings.append(warning) }
        return report
    }

    /// Empties a log that a reader, who may have gone, has kept from it, and keeps room for a full disk again.
    private func makeRoom() throws(StoreError) {
        // Looked at without the lock, since it nearly always is as it should be, and again with it.
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
        let isEntered: Bool
        do {
            isEntered = try transaction(at: now, wake: &toWake) { () throws(SQLiteError) in
                try tables.removeIdleSessions()
                let forgotten = try tables.forgetKeys(atMost: Int64(Self.mostKeysForgottenAtOnce))
                hasMoreToForget = forgotten == Self.mostKeysForgottenAtOnce
                return try tables.heartbeat()
            }
        } catch  where error.code == .busy || error.code == .full {
            // Only a sign for people; the next one comes soon.
            return
        }
        guard isEntered else { throw removedRow() }
        try checkpointIfDue()
    }

    /// Peers, or somebody's SQL, have taken this manager for dead.
    func removedRow() -> StoreError {
        StoreError(.lost, "\(path): this manager's row was removed; its claims may be others' by now")
    }
}
