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
        let slot = parts.slot.number
        try settleMarks(lockHeld: true)
        let startsClocks = isAlone && !parts.clock.isStarted
        if startsClocks { parts.clock.start() }
        if isAlone { parts.board.logSalt = parts.logSync.salt ?? 0 }
        parts.board.enter(slot)
        try enter(name: name, address: address, version: version, at: now, startsClocks: startsClocks)
        guard parts.logSync.size > 0, !isAlone || parts.board.logFrames > 0 else { return }
        parts.lock.release()
        defer { try? parts.lock.acquire() }
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
        let ledger = parts.ledger
        let slot = parts.slot.number
        var toWake: UInt64 = 0
        let peers = try transaction(at: now, wake: &toWake) { () throws(SQLiteError) in try ledger.peers() }
        for peer in peers {
            // A manager that had this slot before is dead: it is ours now.
            if peer.slot != slot, try parts.slot.isAlive(peer.slot) { continue }
            var claims = 0
            while let returned = try returnClaims(of: peer, at: now, wake: &toWake) {
                claims += returned
                try letOthersIn(&toWake)
            }
            recoveredAtOpening.append(DeadManager(id: peer.id, name: peer.name, claims: claims))
        }
        try transaction(at: now, wake: &toWake) { () throws(SQLiteError) in
            if startsClocks { try ledger.restartNamedClaims() }
            try publishClaimTime()
            try ledger.register(
                name: name,
                address: address,
                version: version,
                process: Int64(getpid()),
                slot: slot
            )
        }
        manager = ledger.manager
        parts.bells.clear(slot)
        parts.board.ring(slots: toWake)
        ledger.hasSeenForeignCommit = false
    }

    /// Lets managers write that wait for the lock, and wakes those for which there is something.
    ///
    /// The writer lock is held, before and afterwards.
    private func letOthersIn(_ toWake: inout UInt64) throws(StoreError) {
        parts.lock.release()
        parts.board.ring(slots: toWake)
        toWake = 0
        try parts.lock.acquire()
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
        let ledger = parts.ledger
        let (returned, isLast): (Int?, Bool) = try transaction(at: now, wake: &toWake) { () throws(SQLiteError) in
            guard try ledger.exists(dead.id) else { return (nil, false) }
            let returned = try ledger.giveBack(SessionID.all(of: dead.id), limit: Batch.mostRows)
            let isLast = returned < Batch.mostRows
            if isLast { try ledger.remove(dead.id) }
            return (returned, isLast)
        }
        if isLast, dead.slot != parts.slot.number { parts.board.free(dead.slot) }
        return returned
    }

    /// Cleans up behind the managers that have died, for a bounded time.
    ///
    /// - Parameters:
    ///   - now: the time, for tests.
    ///   - report: gets what was found, and whether there is more to do.
    /// - Throws: ``StoreError/Code/lost`` also if they have cleaned up behind this one.
    func recoverDead(at now: Timestamp, _ report: inout Maintenance) throws(StoreError) {
        let deadline = ContinuousClock.now + Self.timeForReturning
        let members: [ManagerRow]
        do {
            members = try parts.ledger.members()
        } catch {
            parts.database.resetStatements()
            let error = error.beforeCommit(path)
            if error.code == .busy { return }
            throw error
        }
        guard members.contains(where: { $0.id == manager }) else { throw removedRow() }
        silence.keep(members.map(\.slot))
        for peer in members where peer.id != manager {
            if try parts.slot.isAlive(peer.slot) {
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
        try parts.lock.acquire()
        defer {
            parts.lock.release()
            parts.board.ring(slots: toWake)
        }
        // Under the lock nobody can take a slot. A living manager in it has cleaned up already.
        if try parts.slot.isAlive(peer.slot) { return nil }
        try settleMarks(lockHeld: true)
        return try returnClaims(of: peer, at: now, wake: &toWake)
    }

    /// See ``Store/leave()``; where it fails the peers clean up, as after a death.
    public func leave() throws(StoreError) {
        guard !hasLeft else { return }
        hasLeft = true
        parts.bell.stop()
        parts.logWatch?.stop()
        var toWake: UInt64 = 0
        try parts.lock.acquire()
        defer {
            close()
            parts.lock.release()
            parts.board.ring(slots: toWake)
        }
        try checkTrust()
        let me = ManagerRow(id: manager, name: "", slot: parts.slot.number)
        // The time is of no matter: nothing is put or claimed.
        let now = Timestamp(rawValue: parts.ledger.now)
        while try returnClaims(of: me, at: now, wake: &toWake) != nil { try letOthersIn(&toWake) }
        let peers: [ManagerRow]
        do {
            peers = try parts.ledger.peers()
        } catch {
            throw error.beforeCommit(path)
        }
        guard peers.isEmpty else { return }
        parts.ballast.remove()
        // Here, since the last connection's close reports no error of its checkpoint.
        try checkpoint(SQLITE_CHECKPOINT_TRUNCATE)
        if parts.board.logFrames == 0 { parts.database.removeLogOnClose() }
    }

    /// Closes all files and clears this manager's slot in the shared page.
    ///
    /// The writer lock is held.
    private func close() {
        if !parts.board.isSuspect { parts.board.free(parts.slot.number) }
        parts.copier.stop()
        // By another path the log is not seen: all others stay out unless it is empty.
        if !parts.board.isSuspect, parts.logSync.size == 0 { parts.soleUse?.letOthersIn() }
        parts.database.close()
        parts.slot.release()
    }

    /// Ends as a killed process would: everything stays as it is, but the locks and files are let go.
    ///
    /// For tests of what peers do then.
    package func abandon() {
        guard !hasLeft else { return }
        hasLeft = true
        parts.bell.stop()
        parts.logWatch?.stop()
        parts.copier.stop()
        parts.database.close()
        parts.slot.release()
    }
}
