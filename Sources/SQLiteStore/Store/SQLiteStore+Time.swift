import TaskStore

/// The shared clocks.
extension SQLiteStore {
    /// A difference in milliseconds that is not worth a commit.
    private static let tolerance: Int64 = 50

    /// Lets the wall clock follow the machine's, and writes claim time for SQL, also if no manager writes.
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
            // The next read follows the clock; SQL's view of it is written at the next try.
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
}
