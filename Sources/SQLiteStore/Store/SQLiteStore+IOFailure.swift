import TaskStore

/// What a manager does about failed writes and syncs, in whichever process they happened.
///
/// ### The rule
/// Before a manager syncs the log, or copies it into the database, it sets a mark in its slot
/// (``SharedPage/set(_:of:)``). It clears the mark only after success. If a write or a sync fails, it sets
/// ``SharedPage/hasIOFailed``; then all managers end. A process that is killed inside a failing sync leaves its mark.
/// The next manager that checks finds the mark of a dead process, and writes everything again that may be missing
/// (``recoverFromDeadSyncs(lockHeld:)``): the log, from the point up to which it was known to be on the disk.
///
/// That is enough for two reasons. A sync that failed without being reported can only have lost what was written since
/// the last successful sync. And pages never count as copied into the database before it is synced
/// (``BackgroundCheckpoint``), so the log still has them.
extension SQLiteStore {
    /// Throws if a write or a sync has failed in any process.
    ///
    /// No manager may answer after that.
    ///
    /// - Throws: ``StoreError/Code/lost``.
    func checkNoIOFailure() throws(StoreError) {
        guard parts.sharedPage.hasIOFailed else { return }
        invalidateLogIndex()
        throw parts.backgroundCheckpoint.failure ?? ioFailure()
    }

    /// Keeps other programs from copying frames that the kernel may have lost.
    ///
    /// Each manager that finds the failure calls this before it ends. If a program writes at that moment, the next
    /// manager makes that program's index unusable.
    private func invalidateLogIndex() {
        try? parts.database.rollBack()
        parts.database.forgetLogIndex()
    }

    private func ioFailure() -> StoreError {
        StoreError(
            .lost,
            """
            \(path): a manager has met a failed write or sync, so what is on the disk is unknown; all managers end, and the \
            next one to start writes everything again
            """
        )
    }

    /// Repeats the syncs in which other managers have died.
    ///
    /// No transaction is open. It reads the slots, and needs one system call per manager that is inside a sync.
    ///
    /// - Parameter lockHeld: whether the caller holds the writer lock.
    /// - Throws: ``StoreError/Code/lost`` if the log cannot be written again.
    func recoverFromDeadSyncs(lockHeld: Bool = false) throws(StoreError) {
        guard try !deadSyncs().isEmpty else { return }
        if !lockHeld { try parts.writerLock.lock() }
        defer { if !lockHeld { parts.writerLock.unlock() } }
        // Under the lock: another manager may have done it by now, and a new one may have the slot.
        let dead = try deadSyncs()
        guard !dead.isEmpty else { return }
        do {
            try writeLogAgain(from: dead.flatMap { parts.sharedPage.marked($0) })
            let coverage = try parts.groupCommit.syncNow()
            // What the dead managers have copied counts as copied only if it was synced. But this sync reports their
            // errors too.
            try syncDatabase()
            try checkNoIOFailure()
            parts.groupCommit.publish(coverage)
        } catch {
            parts.sharedPage.hasIOFailed = true
            invalidateLogIndex()
            throw error
        }
        for slot in dead {
            for mark in SharedPage.SyncMark.allCases { parts.sharedPage.clear(mark, of: slot) }
        }
    }

    private func syncDatabase() throws(StoreError) {
        do {
            try parts.database.syncFile()
        } catch {
            throw StoreError(.lost, "\(path): syncing the database failed (\(error.message))")
        }
    }

    /// Returns the slots of managers that have died inside a sync.
    private func deadSyncs() throws(StoreError) -> [Int] {
        var rest = parts.sharedPage.marks(except: parts.livenessLock.slot)
        var dead: [Int] = []
        while rest != 0 {
            let slot = rest.trailingZeroBitCount
            rest &= rest - 1
            if try !parts.livenessLock.isAlive(slot) { dead.append(slot) }
        }
        return dead
    }

    /// Writes the end of the log again, from the first of several points on.
    ///
    /// The writer lock is held.
    private func writeLogAgain(from points: [WALPoint]) throws(StoreError) {
        try withWriteLock { end throws(StoreError) in
            let start = end.firstUnknownFrame(points)
            guard start < end.frames else { return }
            let file = parts.walSync.file
            // The header of an older log means that the page with this log's header is lost.
            guard let header = try file.header(), header.salt == end.salt else { throw missing(end.frames) }
            let found = try file.writeAgain(header, from: start, limit: end.frames - start)
            guard found.whole >= end.frames else { throw missing(end.frames - found.whole) }
        }
    }

    /// Writes the whole log again and syncs it, in steps between which other managers write.
    ///
    /// A manager that joins others does this before its first answer. It opened its descriptor just now, and the kernel
    /// does not report an error on it that another program has seen before. Errors of its own writes are reported.
    ///
    /// - Throws: ``StoreError/Code/lost``.
    func writeWholeLogAgain() throws(StoreError) {
        let file = parts.walSync.file
        do {
            var salt: UInt32?
            var next = 0
            var isDone = false
            while !isDone {
                try parts.writerLock.lock()
                defer { parts.writerLock.unlock() }
                try withWriteLock { end throws(StoreError) in
                    // If the log was started over, all of it was written after this manager has opened it.
                    guard salt == nil || salt == end.salt, next < end.frames else {
                        isDone = true
                        return
                    }
                    guard let header = try file.header(), header.salt == end.salt else { throw missing(end.frames) }
                    salt = end.salt
                    let limit = min(Self.framesAtOnce, end.frames - next)
                    let found = try file.writeAgain(header, from: next, limit: limit)
                    guard found.whole == next + limit else { throw missing(next + limit - found.whole) }
                    next += limit
                }
            }
            let coverage = try parts.groupCommit.syncNow()
            try checkNoIOFailure()
            parts.groupCommit.publish(coverage)
        } catch {
            if error.code == .lost {
                parts.sharedPage.hasIOFailed = true
                invalidateLogIndex()
            }
            throw error
        }
    }

    /// About 4 MiB: a few milliseconds.
    private static let framesAtOnce = 1024

    private func missing(_ frames: Int) -> StoreError {
        StoreError(.lost, "\(parts.files.log): \(frames) frames are not what was written; the kernel has lost them")
    }

    /// Runs a function while no program can write to the log.
    ///
    /// The writer lock is held. Waits for other programs as long as necessary: the caller's answers have to wait too.
    ///
    /// - Parameter body: receives the end of the last commit in the log.
    /// - Throws: what `body` throws, or ``StoreError/Code/lost``.
    private func withWriteLock(_ body: (_ end: WALPoint) throws(StoreError) -> Void) throws(StoreError) {
        while true {
            do {
                try parts.tables.statements.transaction.begin.run()
                break
            } catch {
                let error = error.beforeCommit(path)
                guard error.code == .busy else { throw error }
                try checkNoIOFailure()
            }
        }
        defer { try? parts.database.rollBack() }
        // Another manager may have made the index unusable. The new one ends before the frames that are lost.
        try checkNoIOFailure()
        try body(parts.database.endOfIndex ?? parts.sharedPage.logEnd)
    }
}
