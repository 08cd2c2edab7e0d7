import Glibc
import TaskStore

/// How a manager joins the others.
extension SQLiteStore {
    /// Joins the managers: cleans up after dead ones, and enters this one among its peers.
    ///
    /// The writer lock is held. It is released for a time if the log has to be written again while others write.
    ///
    /// - Parameters:
    ///   - isAlone: whether no other manager lived when this one began to open the store.
    ///   - name: what people call this manager.
    ///   - address: its address.
    ///   - version: the program's.
    ///   - now: the time, for tests.
    /// - Throws: ``StoreError``.
    func join(
        isAlone: Bool,
        name: String,
        address: String,
        version: String,
        at now: Timestamp
    ) throws(StoreError) {
        try recoverFromDeadSyncs(lockHeld: true)
        let startsClocks = isAlone && !parts.clock.isStarted
        if startsClocks { parts.clock.start() }
        if isAlone { parts.sharedPage.logSalt = parts.walSync.salt ?? 0 }
        parts.sharedPage.enter(parts.livenessLock.slot)
        try enter(name: name, address: address, version: version, at: now, startsClocks: startsClocks)
        guard parts.walSync.size > 0, !isAlone || parts.sharedPage.logFrames > 0 else { return }
        parts.writerLock.unlock()
        defer { try? parts.writerLock.lock() }
        try writeWholeLogAgain()
    }

    /// Enters the manager among its peers, after cleaning up after the dead ones.
    ///
    /// The writer lock is held.
    private func enter(
        name: String,
        address: String,
        version: String,
        at now: Timestamp,
        startsClocks: Bool
    ) throws(StoreError) {
        let tables = parts.tables
        let slot = parts.livenessLock.slot
        var toWake: UInt64 = 0
        let peers = try transaction(at: now, wake: &toWake) { () throws(SQLiteError) in try tables.peers() }
        for peer in peers {
            // A manager that had this slot before is dead: this one holds the slot's lock now.
            if peer.slot != slot, try parts.livenessLock.isAlive(peer.slot) { continue }
            var claims = 0
            while let step = try returnClaims(of: peer, at: now, wake: &toWake) {
                claims += step.claims
                try yieldWriterLock(&toWake)
            }
            recoveredAtOpening.append(DeadManager(id: peer.id, name: peer.name, claims: claims))
        }
        try transaction(at: now, wake: &toWake) { () throws(SQLiteError) in
            if startsClocks { try tables.restartNamedClaims() }
            try publishClaimTime()
            try tables.register(
                name: name,
                address: address,
                version: version,
                host: hostName,
                process: Int64(getpid()),
                slot: slot
            )
        }
        manager = tables.manager
        parts.tubeNotifications.clear(slot)
        parts.sharedPage.notify(slots: toWake)
        tables.hasSeenForeignCommit = false
    }

    /// Lets the managers write that wait for the lock, and wakes those that were notified.
    ///
    /// The writer lock is held, before and afterwards.
    func yieldWriterLock(_ toWake: inout UInt64) throws(StoreError) {
        parts.writerLock.unlock()
        parts.sharedPage.notify(slots: toWake)
        toWake = 0
        try parts.writerLock.lock()
    }
}
