import TaskStore

/// What managers do after a manager that has died.
extension SQLiteStore {
    /// How long one call of ``maintain(at:)`` returns claims of dead managers.
    ///
    /// After that the clients are served again.
    private static let timeForReturning = Duration.milliseconds(10)

    /// Returns some claims of a dead manager.
    ///
    /// If it has none any more, this removes some of the rest, and at last its row.
    ///
    /// The writer lock is held.
    ///
    /// - Returns: what became of it; nil if the manager's row was gone before.
    /// - Throws: ``StoreError``.
    func returnClaims(
        of dead: ManagerRow,
        at now: Timestamp,
        wake toWake: inout UInt64
    ) throws(StoreError) -> RecoveryStep? {
        let tables = parts.tables
        let step: RecoveryStep? = try transaction(at: now, wake: &toWake) { () throws(SQLiteError) in
            guard try tables.exists(dead.id) else { return nil }
            let returned = try tables.returnClaims(of: SessionID.all(of: dead.id), limit: Batch.mostRows)
            let room = Batch.mostRows - returned
            guard room > 0 else { return RecoveryStep(claims: returned, isLast: false) }
            return RecoveryStep(claims: returned, isLast: try tables.removeManager(dead.id, atMost: room))
        }
        if step?.isLast == true, dead.slot != parts.livenessLock.slot { parts.sharedPage.free(dead.slot) }
        return step
    }

    /// One step of cleaning up after a manager.
    struct RecoveryStep {
        /// The number of claims that became pending.
        var claims: Int

        /// Whether the manager's row is gone now.
        var isLast: Bool
    }

    /// Cleans up after the managers that have died, for a limited time.
    ///
    /// - Parameters:
    ///   - now: the time, for tests.
    ///   - report: receives what was found, and whether there is more to do.
    /// - Throws: ``StoreError/Code/lost`` also if peers have cleaned up after this manager.
    func recoverDeadManagers(at now: Timestamp, _ report: inout Maintenance) throws(StoreError) {
        let deadline = ContinuousClock.now + Self.timeForReturning
        let managers: [ManagerRow]
        do {
            managers = try parts.tables.managers()
        } catch {
            parts.database.resetStatements()
            let error = error.beforeCommit(path)
            if error.code == .busy { return }
            throw error
        }
        guard let own = managers.first(where: { $0.id == manager }) else { throw rowWasRemoved() }
        report.isToldToDrain = own.isToldToDrain
        report.managers = Dictionary(uniqueKeysWithValues: managers.map { ($0.id, $0.name) })
        silenceDetector.keep(managers.map(\.slot))
        for peer in managers where peer.id != manager {
            if try parts.livenessLock.isAlive(peer.slot) {
                let ended = try endClaimsIfSilent(peer, at: now)
                if ended > 0 { report.endedForSilent.append(SilentManager(name: peer.name, claims: ended)) }
                continue
            }
            var claims: Int?
            var isBlocked = false
            var isLate = false
            do {
                while !isLate, let step = try recoverSomeClaims(of: peer, at: now) {
                    claims = (claims ?? 0) + step.claims
                    if step.isLast { break }
                    isLate = ContinuousClock.now >= deadline
                }
            } catch  where error.code == .busy || error.code == .full {
                // The next call returns the rest; what was returned so far is reported now.
                isBlocked = true
            }
            if let claims { report.recovered.append(DeadManager(id: peer.id, name: peer.name, claims: claims)) }
            report.isUnfinished = isLate
            if isLate || isBlocked { break }
        }
    }

    /// Runs one step of cleaning up, and lets other managers write after it.
    private func recoverSomeClaims(of peer: ManagerRow, at now: Timestamp) throws(StoreError) -> RecoveryStep? {
        var toWake: UInt64 = 0
        try parts.writerLock.lock()
        defer {
            parts.writerLock.unlock()
            parts.sharedPage.notify(slots: toWake)
        }
        // Under the lock no manager can take a slot. A living manager in this slot has cleaned up already.
        if try parts.livenessLock.isAlive(peer.slot) { return nil }
        try recoverFromDeadSyncs(lockHeld: true)
        return try returnClaims(of: peer, at: now, wake: &toWake)
    }
}
