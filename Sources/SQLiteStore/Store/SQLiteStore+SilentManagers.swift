import TaskStore

/// The claims of managers that live but do not end their claims in time.
extension SQLiteStore {
    /// How many milliseconds a claim of a silent manager is overdue before another manager ends it.
    private static let graceOfSilentClaims: Int64 = 1000

    /// The largest number of such claims that one transaction ends.
    private static let mostEndedAtOnce = 1000

    /// Ends overdue claims of a manager that lives but whose event loop stands still.
    ///
    /// Nothing is taken from a manager that is not silent: it ends its claims itself.
    ///
    /// - Returns: the number of claims that were ended.
    /// - Throws: ``StoreError``.
    func endClaimsIfSilent(_ peer: ManagerRow, at now: Timestamp) throws(StoreError) -> Int {
        let turns = parts.sharedPage.turns(peer.slot)
        guard silenceDetector.note(turns, of: peer.slot, at: .now) else { return 0 }
        var ended = 0
        do {
            while case let some = try endSomeClaims(ofSilent: peer, turns: turns, at: now), some > 0 { ended += some }
        } catch  where error.code == .busy || error.code == .full {
            // The next maintenance tries again.
        }
        return ended
    }

    /// Runs one step, and lets other managers write after it.
    private func endSomeClaims(ofSilent peer: ManagerRow, turns: UInt64, at now: Timestamp) throws(StoreError) -> Int {
        let hasOverdue: Bool
        do {
            hasOverdue = try parts.tables.hasOverdueClaims(
                of: peer.id,
                before: parts.clock.read(now).claim - Self.graceOfSilentClaims
            )
        } catch {
            parts.database.resetStatements()
            throw error.beforeCommit(path)
        }
        guard hasOverdue else { return 0 }
        var toWake: UInt64 = 0
        try parts.writerLock.lock()
        defer {
            parts.writerLock.unlock()
            parts.sharedPage.notify(slots: toWake)
        }
        guard parts.sharedPage.turns(peer.slot) == turns else { return 0 }
        let ended = try transaction(at: now, wake: &toWake) { () throws(SQLiteError) in
            try parts.tables.endOverdueClaims(
                of: peer.id,
                before: parts.tables.claimNow - Self.graceOfSilentClaims,
                limit: Self.mostEndedAtOnce
            )
        }
        return ended
    }
}
