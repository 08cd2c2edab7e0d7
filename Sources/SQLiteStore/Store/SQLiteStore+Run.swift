public import TaskStore

extension Batch {
    /// Whether none of the operations changes anything; an empty batch only looks whether some time is over.
    var onlyReads: Bool { operations.allSatisfy(\.action.isReadOnly) }
}

extension SQLiteStore {
    /// See ``Store/run(_:)``.
    public func run(_ batch: Batch) throws(StoreError) -> BatchResult {
        try checkNoIOFailure()
        if batch.onlyReads, let result = try read(batch) { return result }
        var toWake: UInt64 = 0
        try parts.writerLock.lock()
        defer {
            parts.writerLock.unlock()
            parts.sharedPage.notify(slots: toWake)
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
            try parts.tables.lookForForeignCommits()
        } catch {
            throw error.beforeCommit(path)
        }
        defer { parts.tables.hasSeenForeignCommit = false }
        return parts.tables.hasSeenForeignCommit
    }

    /// The database's path, for messages.
    var path: String { parts.files.database }

    /// Runs a batch that only reads, without queueing with the writers.
    ///
    /// - Returns: nothing where a delay or pause has ended, which has to be written first.
    private func read(_ batch: Batch) throws(StoreError) -> BatchResult? {
        let tables = parts.tables
        do {
            try tables.statements.beginRead.run()
            let timeRead = ContinuousClock.now
            try tables.startBatch(at: parts.clock.read(batch.now))
            var outcomes: [Outcome]?
            if try !tables.isTimeDue() {
                var found: [Outcome] = []
                found.reserveCapacity(batch.operations.count)
                for operation in batch.operations { found.append(try tables.perform(operation)) }
                outcomes = found
            }
            let next = try tables.timeToNextEvent()
            try tables.statements.commit.run()
            tables.commitBatch()
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
        let tables = parts.tables
        var result = try transaction(at: batch.now, wake: &toWake) { () throws(SQLiteError) in
            let timeRead = self.timeRead
            let timePassed = try tables.letTimePass()
            let outcomes = try tables.perform(batch.operations, takesPuts: takesPuts)
            return BatchResult(
                outcomes: outcomes,
                needsDurability: tables.durability > .nothing,
                timePassed: timePassed,
                nextEvent: try tables.timeToNextEvent().map { Timestamp(rawValue: batch.now.rawValue + $0) },
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
        let tables = parts.tables
        let result: Result
        var newlyAwaited: [TubeName] = []
        let copies = parts.checkpointer.due == .copy
        if copies { try checkFiles() }
        do {
            try tables.statements.begin.run()
            if copies { parts.backgroundCheckpoint.begin() }
            if let line = parts.clock.follow() { warnings.append(line) }
            timeRead = .now
            try tables.startBatch(at: parts.clock.read(now))
            result = try body()
            try tables.finishBatch()
            // Before the commit and under the lock: whoever commits a task for this tube after us sees the mask, and
            // whoever did so before us was seen by the claim.
            for tube in tables.cameShort where subscribe(tube) { newlyAwaited.append(tube) }
            if !newlyAwaited.isEmpty { publishSubscriptions() }
        } catch {
            throw abandon(error.beforeCommit(path))
        }
        let place: WALPosition?
        do {
            place = try parts.database.commit(tables.statements.commit)
        } catch {
            for tube in newlyAwaited { stopsAwaiting(tube) }
            let error = error.duringCommit(path)
            if error.code == .lost { parts.sharedPage.hasIOFailed = true }
            throw abandon(error)
        }
        parts.backgroundCheckpoint.proceed(hasGrown: place != nil)
        toWake |= announceBatch()
        parts.groupCommit.recordCommit(tables.durability, at: place)
        tables.commitBatch()
        return result
    }

    /// Rolls back.
    ///
    /// - Returns: the error to throw: the same, or that everything is lost where not even that works.
    func abandon(_ error: StoreError) -> StoreError {
        parts.backgroundCheckpoint.proceed(hasGrown: false)
        parts.database.resetStatements()
        parts.tables.abandonBatch()
        do {
            try parts.database.rollBack()
            return error
        } catch let second {
            return StoreError(.lost, "\(error.message); and rolling back failed: \(second.message)")
        }
    }
}
