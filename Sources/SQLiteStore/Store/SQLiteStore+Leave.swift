import CSQLite
public import TaskStore

/// How a manager leaves the others.
extension SQLiteStore {
    /// See ``Store/leave()``.
    ///
    /// If it fails, the peers clean up as after a death.
    public func leave() throws(StoreError) {
        guard !hasLeft else { return }
        hasLeft = true
        parts.peerWakeup.stop()
        parts.walWatcher?.stop()
        var toWake: UInt64 = 0
        try parts.writerLock.lock()
        defer {
            close()
            parts.writerLock.unlock()
            parts.sharedPage.notify(slots: toWake)
        }
        try checkNoIOFailure()
        let me = ManagerRow(id: manager, name: "", slot: parts.livenessLock.slot)
        // The time does not matter: nothing is put or claimed.
        let now = Timestamp(rawValue: parts.tables.now)
        while try returnClaims(of: me, at: now, wake: &toWake) != nil { try yieldWriterLock(&toWake) }
        let peers: [ManagerRow]
        do {
            peers = try parts.tables.peers()
        } catch {
            throw error.beforeCommit(path)
        }
        guard peers.isEmpty else { return }
        parts.diskReserve.remove()
        // Here, since closing the last connection reports no error of its checkpoint.
        try checkpoint(SQLITE_CHECKPOINT_TRUNCATE)
        if parts.sharedPage.logFrames == 0 { parts.database.removeLogOnClose() }
    }

    /// Closes all files and clears this manager's slot in the shared page.
    ///
    /// The writer lock is held.
    private func close() {
        if !parts.sharedPage.hasIOFailed { parts.sharedPage.free(parts.livenessLock.slot) }
        parts.backgroundCheckpoint.stop()
        // By another path the log is not seen: all others stay locked out unless it is empty.
        if !parts.sharedPage.hasIOFailed, parts.walSync.size == 0 { parts.exclusiveUse?.admitOthers() }
        parts.database.close()
        parts.livenessLock.unlock()
    }

    /// Ends like a killed process: everything stays as it is, but the locks are released and the files closed.
    ///
    /// For tests of what peers do then.
    package func abandon() {
        guard !hasLeft else { return }
        hasLeft = true
        parts.peerWakeup.stop()
        parts.walWatcher?.stop()
        parts.backgroundCheckpoint.stop()
        parts.database.close()
        parts.livenessLock.unlock()
    }
}
