import TaskStore

/// The shared clocks, and the claims of managers that do not end them in time.
extension SQLiteStore {
    /// How many milliseconds a claim of a silent manager is overdue before another manager ends it.
    private static let graceOfSilentClaims: Int64 = 1000

    /// How many such claims one transaction ends at most.
    private static let mostEndedAtOnce = 1000

    /// Differences in milliseconds that are not worth a commit.
    private static let tolerance: Int64 = 50

    /// Has the wall clock follow the machine's, and SQL know claim time, also if no manager writes.
    func followClock(at now: Timestamp) throws(StoreError) {
        let isStale = parts.clock.claimTimeAheadOfMachine.map { ahead in
            publishedClaimOffset.map { abs($0 - ahead) > Self.tolerance } ?? true
        }
        guard parts.clock.isBehind || isStale == true else { return }
        var toWake: UInt64 = 0
        try parts.writerLock.lock()
        defer {
            parts.writerLock.unlock()
            parts.sharedPage.notify(slots: toWake)
        }
        do {
            try transaction(at: now, wake: &toWake) { () throws(SQLiteError) in try publishClaimTime() }
        } catch  where error.code == .busy || error.code == .full {
            // The clock is followed by the time read; SQL's view of it comes with the next try.
            return
        }
    }

    /// Writes for SQL how far claim time is ahead of the machine's clock.
    ///
    /// A transaction is open.
    func publishClaimTime() throws(SQLiteError) {
        guard let ahead = parts.clock.claimTimeAheadOfMachine else { return }
        try parts.tables.publish(claimTimeAhead: ahead, tolerance: Self.tolerance)
        publishedClaimOffset = ahead
    }

    /// Ends overdue claims of a manager that lives but whose event loop does not come round.
    ///
    /// Nothing is taken from a manager that is not silent: it ends its claims itself.
    ///
    /// - Returns: how many claims have been ended.
    func endClaimsIfSilent(_ peer: ManagerRow, at now: Timestamp) throws(StoreError) -> Int {
        let turns = parts.sharedPage.turns(peer.slot)
        guard silenceDetector.note(turns, of: peer.slot, at: .now) else { return 0 }
        var ended = 0
        do {
            while case let some = try endSomeClaims(ofSilent: peer, turns: turns, at: now), some > 0 { ended += some }
        } catch  where error.code == .busy || error.code == .full {
            // Tried again with the next maintenance.
        }
        return ended
    }

    /// Takes one step, and lets other writers in after it.
    private func endSomeClaims(ofSilent peer: ManagerRow, turns: UInt64, at now: Timestamp) throws(StoreError) -> Int {
        let overdue: Bool
        do {
            overdue = try parts.tables.hasOverdueClaims(
                of: peer.id,
                before: parts.clock.read(now).claim - Self.graceOfSilentClaims
            )
        } catch {
            parts.database.resetStatements()
            throw error.beforeCommit(path)
        }
        guard overdue else { return 0 }
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
