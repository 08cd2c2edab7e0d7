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
        report.warnings = takeWarnings()
        if let warning = parts.checkpointer.warning(size: parts.logSync.size) { report.warnings.append(warning) }
        return report
    }

    /// Shows that this manager lives, and does what is better done between batches than in one.
    private func beat(at now: Timestamp) throws(StoreError) {
        let ledger = parts.ledger
        var toWake: UInt64 = 0
        try parts.lock.acquire()
        defer { parts.lock.release() }
        // The reader that kept the log from being emptied may have gone.
        if parts.checkpointer.room != .ample { try checkpoint() }
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
        try checkpointIfDue()
        parts.ballast.restore()
    }
}
