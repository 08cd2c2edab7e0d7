import Glibc
public import TaskStore

extension SQLiteStore {
    /// How many claims of a dead manager one transaction returns at most.
    private static let mostReturnedAtOnce = 1000

    /// Enters the manager among its peers, after cleaning up behind the dead.
    ///
    /// The writer lock is held.
    func enter(name: String, address: String, version: String, at now: Timestamp) throws(StoreError) {
        let ledger = parts.ledger
        let slot = parts.slot.number
        var toWake: UInt64 = 0
        let peers = try transaction(at: now, wake: &toWake) { () throws(SQLiteError) in try ledger.peers() }
        for peer in peers {
            // Whoever had this slot before is dead: it is ours now.
            if peer.slot != slot, try parts.slot.isAlive(peer.slot) { continue }
            var claims = 0
            while let returned = try returnClaims(of: peer, at: now, wake: &toWake) { claims += returned }
            recoveredAtOpening.append(DeadManager(id: peer.id, name: peer.name, claims: claims))
        }
        try transaction(at: now, wake: &toWake) { () throws(SQLiteError) in
            try ledger.register(
                name: name,
                address: address,
                version: version,
                process: Int64(getpid()),
                slot: slot
            )
        }
        manager = ledger.manager
        parts.board.setAwaited(0, slot)
        parts.board.ring(slots: toWake)
        ledger.hasSeenForeignCommit = false
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
            let returned = try ledger.giveBack(SessionID.all(of: dead.id), limit: Self.mostReturnedAtOnce)
            let isLast = returned < Self.mostReturnedAtOnce
            if isLast { try ledger.remove(dead.id) }
            return (returned, isLast)
        }
        if isLast, dead.slot != parts.slot.number {
            parts.board.setAwaited(0, dead.slot)
        }
        return returned
    }

    /// Cleans up behind the managers that have died.
    ///
    /// - Throws: ``StoreError/Code/lost`` also where they have cleaned up behind this one.
    func recoverDead(at now: Timestamp) throws(StoreError) -> [DeadManager] {
        let members: [ManagerRow]
        do {
            members = try parts.ledger.members()
        } catch {
            parts.database.resetStatements()
            let error = error.beforeCommit(path)
            if error.code == .busy { return [] }
            throw error
        }
        guard members.contains(where: { $0.id == manager }) else { throw removedRow() }
        var recovered: [DeadManager] = []
        for peer in members where peer.id != manager {
            if try parts.slot.isAlive(peer.slot) { continue }
            var claims: Int?
            var isHeldUp = false
            do {
                while let returned = try recoverSome(peer, at: now) { claims = (claims ?? 0) + returned }
            } catch  where error.code == .busy || error.code == .full {
                // The rest comes with the next call; what was returned so far is told now.
                isHeldUp = true
            }
            if let claims { recovered.append(DeadManager(id: peer.id, name: peer.name, claims: claims)) }
            if isHeldUp { break }
        }
        return recovered
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
        let me = ManagerRow(id: manager, name: "", slot: parts.slot.number)
        // The time is of no matter: nothing is put or claimed.
        let now = Timestamp(rawValue: parts.ledger.now)
        while try returnClaims(of: me, at: now, wake: &toWake) != nil {}
        // Whether it is so is only of interest for a file that the next manager makes anew.
        let peers = try? parts.ledger.peers()
        if peers?.isEmpty == true { parts.ballast.remove() }
    }

    /// Closes all files and takes this manager's name off the doors.
    ///
    /// The writer lock is held.
    private func close() {
        parts.board.setAwaited(0, parts.slot.number)
        parts.copier.stop()
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
