import CSQLite
import Glibc
public import TaskStore

extension SQLiteStore {
    /// For how long one call of ``maintain(at:)`` returns claims of dead managers; the clients are to be heard again then.
    private static let timeForReturning = Duration.milliseconds(10)

    /// Joins the managers: makes up for what dead ones have left undone, and enters this one among its peers.
    ///
    /// The writer lock is held. It is let go in between if the log has to be written again while others write.
    ///
    /// - Parameters:
    ///   - isAlone: whether no other manager lived when this one began to open the store.
    ///   - name: what people call this manager.
    ///   - address: where it listens.
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
        let slot = parts.livenessLock.slot
        try recoverFromDeadSyncs(lockHeld: true)
        let startsClocks = isAlone && !parts.clock.isStarted
        if startsClocks { parts.clock.start() }
        if isAlone { parts.sharedPage.logSalt = parts.walSync.salt ?? 0 }
        parts.sharedPage.enter(slot)
        try enter(name: name, address: address, version: version, at: now, startsClocks: startsClocks)
        guard parts.walSync.size > 0, !isAlone || parts.sharedPage.logFrames > 0 else { return }
        parts.writerLock.unlock()
        defer { try? parts.writerLock.lock() }
        try writeWholeLogAgain()
    }

    /// Enters the manager among its peers, after cleaning up behind the dead.
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
            // A manager that had this slot before is dead: it is ours now.
            if peer.slot != slot, try parts.livenessLock.isAlive(peer.slot) { continue }
            var claims = 0
            while let returned = try returnClaims(of: peer, at: now, wake: &toWake) {
                claims += returned
                try admitOthers(&toWake)
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
                process: Int64(getpid()),
                slot: slot
            )
        }
        manager = tables.manager
        parts.tubeNotifications.clear(slot)
        parts.sharedPage.notify(slots: toWake)
        tables.hasSeenForeignCommit = false
    }

    /// Lets managers write that wait for the lock, and wakes those for which there is something.
    ///
    /// The writer lock is held, before and afterwards.
    private func admitOthers(_ toWake: inout UInt64) throws(StoreError) {
        parts.writerLock.unlock()
        parts.sharedPage.notify(slots: toWake)
        toWake = 0
        try parts.writerLock.lock()
    }

    /// Returns some claims of a dead manager, and with the last of them removes its row.
    ///
    /// The writer lock is held.
    ///
    /// - Returns: how many claims became pending, or nothing once the manager's row is gone.
    private func returnClaims(
        of dead: ManagerRow,
        at now: Timestamp,
        wake toWake: inout UInt64
    ) throws(StoreError) -> Int? {
        let tables = parts.tables
        let (returned, isLast): (Int?, Bool) = try transaction(at: now, wake: &toWake) { () throws(SQLiteError) in
            guard try tables.exists(dead.id) else { return (nil, false) }
            let returned = try tables.giveBack(SessionID.all(of: dead.id), limit: Batch.mostRows)
            let isLast = returned < Batch.mostRows
            if isLast { try tables.remove(dead.id) }
            return (returned, isLast)
        }
        if isLast, dead.slot != parts.livenessLock.slot { parts.sharedPage.free(dead.slot) }
        return returned
    }

    /// Cleans up behind the managers that have died, for a bounded time.
    ///
    /// - Parameters:
    ///   - now: the time, for tests.
    ///   - report: gets what was found, and whether there is more to do.
    /// - Throws: ``StoreError/Code/lost`` also if they have cleaned up behind this one.
    func recoverDeadManagers(at now: Timestamp, _ report: inout Maintenance) throws(StoreError) {
        let deadline = ContinuousClock.now + Self.timeForReturning
        let members: [ManagerRow]
        do {
            members = try parts.tables.members()
        } catch {
            parts.database.resetStatements()
            let error = error.beforeCommit(path)
            if error.code == .busy { return }
            throw error
        }
        guard members.contains(where: { $0.id == manager }) else { throw removedRow() }
        silenceDetector.keep(members.map(\.slot))
        for peer in members where peer.id != manager {
            if try parts.livenessLock.isAlive(peer.slot) {
                let ended = try endClaimsIfSilent(peer, at: now)
                if ended > 0 { report.endedForSilent.append(SilentManager(name: peer.name, claims: ended)) }
                continue
            }
            var claims: Int?
            var isHeldUp = false
            var isLate = false
            do {
                while !isLate, let returned = try recoverSome(peer, at: now) {
                    claims = (claims ?? 0) + returned
                    isLate = returned == Batch.mostRows && ContinuousClock.now >= deadline
                }
            } catch  where error.code == .busy || error.code == .full {
                // The rest comes with the next call; what was returned so far is told now.
                isHeldUp = true
            }
            if let claims { report.recovered.append(DeadManager(id: peer.id, name: peer.name, claims: claims)) }
            report.isUnfinished = isLate
            if isLate || isHeldUp { break }
        }
    }

    /// Takes one step of cleaning up, and lets other writers in after it.
    private func recoverSome(_ peer: ManagerRow, at now: Timestamp) throws(StoreError) -> Int? {
        var toWake: UInt64 = 0
        try parts.writerLock.lock()
        defer {
            parts.writerLock.unlock()
            parts.sharedPage.notify(slots: toWake)
        }
        // Under the lock nobody can take a slot. A living manager in it has cleaned up already.
        if try parts.livenessLock.isAlive(peer.slot) { return nil }
        try recoverFromDeadSyncs(lockHeld: true)
        return try returnClaims(of: peer, at: now, wake: &toWake)
    }

    /// See ``Store/leave()``; where it fails the peers clean up, as after a death.
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
        // The time is of no matter: nothing is put or claimed.
        let now = Timestamp(rawValue: parts.tables.now)
        while try returnClaims(of: me, at: now, wake: &toWake) != nil { try admitOthers(&toWake) }
        let peers: [ManagerRow]
        do {
            peers = try parts.tables.peers()
        } catch {
            throw error.beforeCommit(path)
        }
        guard peers.isEmpty else { return }
        parts.diskReserve.remove()
        // Here, since the last connection's close reports no error of its checkpoint.
        try checkpoint(SQLITE_CHECKPOINT_TRUNCATE)
        if parts.sharedPage.logFrames == 0 { parts.database.removeLogOnClose() }
    }

    /// Closes all files and clears this manager's slot in the shared page.
    ///
    /// The writer lock is held.
    private func close() {
        if !parts.sharedPage.hasIOFailed { parts.sharedPage.free(parts.livenessLock.slot) }
        parts.backgroundCheckpoint.stop()
        // By another path the log is not seen: all others stay out unless it is empty.
        if !parts.sharedPage.hasIOFailed, parts.walSync.size == 0 { parts.exclusiveUse?.admitOthers() }
        parts.database.close()
        parts.livenessLock.unlock()
    }

    /// Ends as a killed process would: everything stays as it is, but the locks and files are let go.
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
