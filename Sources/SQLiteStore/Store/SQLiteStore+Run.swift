public import TaskStore

extension Batch {
    /// Whether no operation changes anything.
    ///
    /// An empty batch only checks whether events in time are due.
    fileprivate var onlyReads: Bool { operations.allSatisfy(\.action.isReadOnly) }

    /// Whether an operation answers an operator's question.
    fileprivate var inspects: Bool { operations.contains { $0.action.query != nil } }
}

extension Outcome {
    /// Whether it tells a client what was read, and changes nothing.
    fileprivate var tellsWhatWasRead: Bool {
        switch self {
        case .found, .damaged, .task, .tube, .store, .tubes, .superseded, .kicked, .cleared, .moved, .inspected,
            .notFound:
            true
        default: false
        }
    }
}

/// The path of a batch: lock, checks, begin, work, commit, unlock, sync.
extension SQLiteStore {
    /// See ``Store/run(_:)``.
    public func run(_ batch: Batch) throws(StoreError) -> BatchResult {
        try checkNoIOFailure()
        var found: BatchResult?
        if batch.onlyReads { found = try read(batch) }
        let result: BatchResult
        if let found {
            result = found
        } else if batch.onlyReads, batch.inspects {
            result = try inspectAfterEvents(batch)
        } else {
            result = try writeLocked(batch)
        }
        // Otherwise makeDurable() does it.
        if !result.needsDurability, result.outcomes.contains(where: { $0.tellsWhatWasRead }) {
            try checkAllSyncs(lockHeld: false, waits: true)
        }
        return result
    }

    /// Runs a batch that may write, under the writer lock.
    private func writeLocked(_ batch: Batch) throws(StoreError) -> BatchResult {
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
        var result: BatchResult
        do {
            result = try write(batch, takesPuts: room == .ample, wake: &toWake)
        } catch {
            result = try writeAgain(batch, after: error, takesPuts: room == .ample, wake: &toWake)
        }
        if room != .ample, result.noRoom == nil { result.noRoom = .log }
        return result
    }

    /// See ``Store/makeDurable()``: one `fdatasync` of the log, or none if another manager's sync covers it
    /// (``GroupCommit``).
    public func makeDurable() throws(StoreError) {
        try makeDurable(lockHeld: false)
    }

    /// Syncs, and makes sure that no manager has met a failed write or sync.
    func makeDurable(lockHeld: Bool) throws(StoreError) {
        let coverage: GroupCommit.Coverage?
        do {
            coverage = try parts.wait.during(.disk) { () throws(StoreError) in try parts.groupCommit.sync() }
        } catch {
            // This manager's own error is the one to report.
            try? checkNoIOFailure()
            throw error
        }
        try checkAllSyncs(lockHeld: lockHeld)
        // Last: if acknowledged tasks are gone after a failure, the next manager refuses to serve.
        if let coverage { parts.groupCommit.publish(coverage) }
    }

    /// Makes sure, before anything is told, that no manager has met a failed write or sync, or has died inside a sync.
    ///
    /// After such a failure the kernel may show old bytes, so what a batch has found may be wrong, also if it has
    /// written nothing.
    ///
    /// - Parameters:
    ///   - lockHeld: whether the caller holds the writer lock.
    ///   - waits: whether it also waits for the end of syncs that are in progress (``OverlappingSyncs``). After a sync
    ///     of its own this manager knows of lost writes, but not of a failed flush.
    /// - Throws: ``StoreError/Code/lost``.
    func checkAllSyncs(lockHeld: Bool, waits: Bool = false) throws(StoreError) {
        do {
            if waits { try parts.overlappingSyncs.wait() }
            try recoverFromDeadSyncs(lockHeld: lockHeld)
        } catch {
            // The batch is committed: whatever the error, it must not be answered as if nothing had happened.
            throw StoreError(.lost, error.message)
        }
        try checkNoIOFailure()
    }

    /// Runs a batch with inspections after a batch that ends what is due, so that the writers do not wait for it.
    private func inspectAfterEvents(_ batch: Batch) throws(StoreError) -> BatchResult {
        let before = try run(Batch([], now: batch.now))
        guard var result = try read(batch, evenIfDue: true) else {
            throw StoreError(.failed, "\(path): nothing was read")
        }
        result.timePassed = before.timePassed
        result.needsDurability = before.needsDurability
        result.moreToClaim = before.moreToClaim
        return result
    }

    /// Runs a batch that only reads, without waiting for the writers.
    ///
    /// - Parameters:
    ///   - batch: the batch.
    ///   - evenIfDue: whether it is run although an event in time is due.
    /// - Returns: nil if an event in time is due, which has to be written first.
    /// - Throws: ``StoreError``.
    private func read(_ batch: Batch, evenIfDue: Bool = false) throws(StoreError) -> BatchResult? {
        let tables = parts.tables
        do {
            try tables.statements.transaction.beginRead.run()
            let timeRead = ContinuousClock.now
            try tables.startBatch(at: parts.clock.read(batch.now))
            var outcomes: [Outcome]?
            let isDue = try tables.hasDueEvents()
            if evenIfDue || !isDue {
                var found: [Outcome] = []
                found.reserveCapacity(batch.operations.count)
                for operation in batch.operations {
                    if let query = operation.action.query {
                        found.append(try inspect(query))
                    } else {
                        found.append(try tables.perform(operation))
                    }
                }
                outcomes = found
            }
            let next = try tables.timeToNextEvent()
            try tables.statements.transaction.commit.run()
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
    ///   - takesPuts: whether puts are tried; otherwise their outcome is ``Outcome/storageFull``.
    ///   - toWake: receives the slots of the peers that have to be woken after the lock is released.
    /// - Returns: the outcomes.
    /// - Throws: ``StoreError``. Nothing has happened then, unless the code is ``StoreError/Code/lost``.
    func write(_ batch: Batch, takesPuts: Bool, wake toWake: inout UInt64) throws(StoreError) -> BatchResult {
        let tables = parts.tables
        var result = try transaction(at: batch.now, wake: &toWake) { () throws(SQLiteError) in
            let timeRead = self.timeRead
            let timePassed = try tables.applyDueEvents()
            let outcomes = try tables.performAll(batch.operations, takesPuts: takesPuts)
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

    /// Runs a function as one transaction.
    ///
    /// The writer lock is held.
    func transaction<Result>(
        at now: Timestamp,
        wake toWake: inout UInt64,
        _ body: () throws(SQLiteError) -> Result
    ) throws(StoreError) -> Result {
        let tables = parts.tables
        let result: Result
        var subscribed: [TubeName] = []
        let copies = parts.checkpointer.due == .copy
        if copies { try checkFiles() }
        do {
            try tables.statements.transaction.begin.run()
            if copies { parts.backgroundCheckpoint.begin() }
            if let line = parts.clock.follow() { warnings.append(line) }
            timeRead = .now
            try tables.startBatch(at: parts.clock.read(now))
            result = try body()
            try tables.finishBatch()
            // Before the commit and under the lock: a manager that commits a task for this tube later sees the
            // subscription, and a task that was committed earlier was seen by the claim.
            for tube in tables.unsatisfiedTubes where subscribe(tube) { subscribed.append(tube) }
            if !subscribed.isEmpty { publishSubscriptions() }
        } catch {
            throw abandon(error.beforeCommit(path))
        }
        let position: WALPosition?
        do {
            position = try parts.database.commit(tables.statements.transaction.commit)
        } catch {
            for tube in subscribed { unsubscribe(from: tube) }
            let error = error.duringCommit(path)
            if error.code == .lost { parts.sharedPage.hasIOFailed = true }
            throw abandon(error)
        }
        parts.backgroundCheckpoint.proceed(hasGrown: position != nil)
        toWake |= announceBatch()
        parts.groupCommit.recordCommit(tables.durability, at: position)
        tables.commitBatch()
        return result
    }

    /// Rolls back.
    ///
    /// - Returns: the error to throw: the same one, or ``StoreError/Code/lost`` if not even the rollback works.
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
