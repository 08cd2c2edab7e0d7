public import TaskStore

extension Batch {
    /// Whether none of the operations changes anything; an empty batch only looks whether some time is over.
    var onlyReads: Bool { operations.allSatisfy(\.action.isReadOnly) }
}

extension SQLiteStore {
    /// See ``Store/run(_:)``.
    public func run(_ batch: Batch) throws(StoreError) -> BatchResult {
        try checkTrust()
        if batch.onlyReads, let result = try read(batch) { return result }
        var toWake: UInt64 = 0
        try parts.lock.acquire()
        defer {
            parts.lock.release()
            parts.board.ring(slots: toWake)
        }
        try checkLength()
        try checkpointIfDue()
        let room = parts.checkpointer.room
        guard room != .none else { throw StoreError(.full, "\(parts.files.log): \(Checkpointer.tooLong)") }
        do {
            var result = try writeAround(batch, takesPuts: room == .ample, wake: &toWake)
            if room != .ample { result.noRoom = .log }
            return result
        } catch  where error.code == .full {
            return try writeOnFullDisk(batch, wake: &toWake)
        }
    }

    /// See ``Store/hasChangedElsewhere()``: one look at SQLite's `data_version`.
    public func hasChangedElsewhere() throws(StoreError) -> Bool {
        do {
            try parts.ledger.lookForForeignCommits()
        } catch {
            throw error.beforeCommit(path)
        }
        defer { parts.ledger.hasSeenForeignCommit = false }
        return parts.ledger.hasSeenForeignCommit
    }

    /// The database's path, for messages.
    var path: String { parts.files.database }

    /// Runs a batch that only reads, without queueing with the writers.
    ///
    /// - Returns: nothing where a delay or pause has ended, which has to be written first.
    private func read(_ batch: Batch) throws(StoreError) -> BatchResult? {
        let ledger = parts.ledger
        do {
            try ledger.statements.beginRead.run()
            let timeRead = ContinuousClock.now
            try ledger.startBatch(at: parts.clock.read(batch.now))
            var outcomes: [Outcome]?
            if try !ledger.isTimeDue() {
                var found: [Outcome] = []
                found.reserveCapacity(batch.operations.count)
                for operation in batch.operations { found.append(try ledger.perform(operation)) }
                outcomes = found
            }
            let next = try ledger.timeToNextEvent()
            try ledger.statements.commit.run()
            ledger.commitBatch()
            return outcomes.map { outcomes in
                BatchResult(
                    outcomes: outcomes,
                    needsDurability: false,
                    timePassed: false,
                    nextEvent: next.map { Timestamp(rawValue: batch.now.rawValue + $0) },
                    timeRead: timeRead,
                    moreToClaim: []
                )
            }
        } catch {
            throw abandon(error.beforeCommit(path))
        }
    }

    /// Runs a batch as one transaction.
    ///
    /// The writer lock is held.
    ///
    /// - Parameters:
    ///   - batch: the operations.
    ///   - takesPuts: whether puts are tried; otherwise they are answered with ``Outcome/storageFull``.
    ///   - toWake: receives the slots of the peers that have to be woken after the lock is released.
    /// - Returns: the outcomes.
    /// - Throws: ``StoreError``; nothing has happened then, unless it says ``StoreError/Code/lost``.
    func write(_ batch: Batch, takesPuts: Bool = true, wake toWake: inout UInt64) throws(StoreError) -> BatchResult {
        let ledger = parts.ledger
        var result = try transaction(at: batch.now, wake: &toWake) { () throws(SQLiteError) in
            let timeRead = self.timeRead
            let timePassed = try ledger.letTimePass()
            let outcomes = try ledger.perform(batch.operations, takesPuts: takesPuts)
            return BatchResult(
                outcomes: outcomes,
                needsDurability: ledger.durability > .nothing,
                timePassed: timePassed,
                nextEvent: try ledger.timeToNextEvent().map { Timestamp(rawValue: batch.now.rawValue + $0) },
                timeRead: timeRead
            )
        }
        result.moreToClaim = takeMoreToClaim()
        return result
    }

    /// Runs something as one transaction.
    ///
    /// The writer lock is held.
    func transaction<Result>(
        at now: Timestamp,
        wake toWake: inout UInt64,
        _ body: () throws(SQLiteError) -> Result
    ) throws(StoreError) -> Result {
        let ledger = parts.ledger
        let result: Result
        var newlyAwaited: [TubeName] = []
        let copies = parts.checkpointer.due == .copy
        if copies { try checkFiles() }
        do {
            try ledger.statements.begin.run()
            if copies { parts.copier.begin() }
            if let line = parts.clock.follow() { warnings.append(line) }
            timeRead = .now
            try ledger.startBatch(at: parts.clock.read(now))
            result = try body()
            try ledger.finishBatch()
            // Before the commit and under the lock: whoever commits a task for this tube after us sees the mask, and
            // whoever did so before us was seen by the claim.
            for tube in ledger.cameShort where insertAwaited(tube) { newlyAwaited.append(tube) }
            if !newlyAwaited.isEmpty { publishAwaited() }
        } catch {
            throw abandon(error.beforeCommit(path))
        }
        let place: LogPlace?
        do {
            place = try parts.database.commit(ledger.statements.commit)
        } catch {
            for tube in newlyAwaited { stopsAwaiting(tube) }
            let error = error.duringCommit(path)
            if error.code == .lost { parts.board.isSuspect = true }
            throw abandon(error)
        }
        parts.copier.proceed(hasGrown: place != nil)
        toWake |= tellOfBatch()
        parts.sharedSync.noteCommit(ledger.durability, at: place)
        ledger.commitBatch()
        return result
    }

    /// Rolls back.
    ///
    /// - Returns: the error to throw: the same, or that everything is lost where not even that works.
    func abandon(_ error: StoreError) -> StoreError {
        parts.copier.proceed(hasGrown: false)
        parts.database.resetStatements()
        parts.ledger.abandonBatch()
        do {
            try parts.database.rollBack()
            return error
        } catch let second {
            return StoreError(.lost, "\(error.message); and rolling back failed: \(second.message)")
        }
    }
}
