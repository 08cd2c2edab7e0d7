public import TaskStore

extension PostgresStore {
    /// How often a batch that gave way to another transaction is tried again.
    private static let mostRetries = 20

    /// See ``Store/run(_:)``.
    public func run(_ batch: Batch) throws(StoreError) -> BatchResult {
        let patience = outage.isLong ? min(options.timeout, Outage.patienceAfterwards) : options.timeout
        let deadline = ContinuousClock.now + patience
        // Waiting for the server is a sign of life as long as it is bounded.
        listener.lives(until: deadline + Outage.patienceAfterwards * 2)
        defer { listener.lives(until: .now + options.lease) }
        var retries = 0
        while true {
            let isCareful = carefulUntil.map { $0 > .now } ?? false
            do {
                let link = try connected(until: deadline)
                // Connecting may have taken all the time there was: a server that is there again gets a moment to answer.
                return try attempt(batch, isCareful, link, until: max(deadline, .now + Outage.patienceAfterwards))
            } catch {
                switch error.meaning {
                case .reconnect:
                    disconnect()
                    guard ContinuousClock.now < deadline else {
                        outage.isLong = true
                        throw error.storeError
                    }
                case .locked where !isCareful || ContinuousClock.now < deadline:
                    if isCareful { Pause.sleep(Self.pauseForLock) }
                    carefulUntil = .now + Self.timeOfCare
                case .retry where retries < Self.mostRetries:
                    retries += 1
                case .unknown:
                    disconnect()
                    outage.isLong = true
                    throw error.storeError
                case .leaseLost:
                    loseClaims()
                case .retry, .locked, .full, .content, .failed:
                    throw error.storeError
                }
            }
        }
    }

    /// For how long batches are careful after one has met another program's lock.
    private static let timeOfCare = Duration.seconds(2)

    /// How long a careful batch that met a lock nevertheless, such as one of a manager that waits for its disk, waits.
    private static let pauseForLock = Duration.milliseconds(5)

    private func attempt(
        _ batch: Batch,
        _ isCareful: Bool,
        _ link: Link,
        until deadline: ContinuousClock.Instant
    ) throws(PostgresError) -> BatchResult {
        try beginNamedClaimsAgain(link, until: deadline)
        let plan = BatchPlan(batch.operations, manager: manager, members: members, isCareful: isCareful)
        let now = options.usesBatchTime ? batch.now : nil
        if plan.isReadOnly, leftovers.isEmpty {
            sent = .now
            let parameters = parameters(of: plan, at: now, writes: false)
            let answers = try link.run([Link.Request(.runBatch, parameters)], until: deadline)
            let reader = BatchReader(answers[0], batch.operations, plan, members)
            if !reader.mustWrite {
                noteTime(reader)
                return result(of: reader, batch)
            }
        }
        if batchesUntilHope > 0 {
            batchesUntilHope -= 1
        } else if !isCareful, let order = Reordering(batch.operations, members: members) {
            let hopeful = BatchPlan(order.operations, manager: manager, members: members, isHopeful: true)
            let reader = try execute(hopeful, order.operations, at: now, link, until: deadline)
            if reader.cameShort.isEmpty {
                var result = result(of: try commit(reader, false, link, until: deadline), batch)
                result.outcomes = order.restored(result.outcomes)
                return result
            }
            rollBack(link, until: deadline)
            batchesUntilHope = Self.batchesWithoutHope
        }
        let reader = try execute(plan, batch.operations, at: now, link, until: deadline)
        if reader.hasMetLock { carefulUntil = .now + Self.timeOfCare }
        return result(of: try commit(reader, isCareful, link, until: deadline), batch)
    }

    private func parameters(of plan: BatchPlan, at now: Timestamp?, writes: Bool) -> Parameters {
        plan.parameters(
            at: now,
            retention: Int64(options.uniqueRetention) * 1000,
            writes: writes,
            steady: now?.rawValue ?? clock.limit(at: .now),
            leftovers: writes ? leftovers : []
        )
    }

    /// Compares the server's clock with this process's own.
    private func noteTime(_ reader: BatchReader) {
        guard !options.usesBatchTime, reader.now > 0 else { return }
        clock.note(reader.now, sent: sent, received: .now)
    }

    /// If the server's clock was set, lets the time of named sessions' claims begin again, since their ends are by the old one.
    private func beginNamedClaimsAgain(_ link: Link, until deadline: ContinuousClock.Instant) throws(PostgresError) {
        guard let step = clock.step else { return }
        var parameters = Parameters()
        parameters.add(step)
        let request = Link.Request(.beginNamedClaimsAgain, parameters)
        while try link.run([request], until: deadline)[0].int64(0, 0) == 1000 {}
        clock.stepWasHandled()
    }

    /// For how many batches no other order is tried after one had to be done over.
    private static let batchesWithoutHope = 16

    /// For how many batches the quick way is not tried after one that was not for it.
    private static let batchesNotPlain = 16

    /// Runs a batch up to the commit: the quick way where it fits, or else the one that does everything.
    private func execute(
        _ plan: BatchPlan,
        _ operations: [Operation],
        at now: Timestamp?,
        _ link: Link,
        until deadline: ContinuousClock.Instant
    ) throws(PostgresError) -> BatchReader {
        var requests = [Link.Request(.begin)]
        do {
            sent = .now
            if batchesUntilPlain > 0 {
                batchesUntilPlain -= 1
            } else if !plan.isCareful, leftovers.isEmpty, let plain = PlainBatch(plan) {
                requests.append(Link.Request(.runPlainBatch, plain.parameters(plan, at: now)))
                let reader = BatchReader(try link.run(requests, until: deadline)[1], operations, plan, members)
                if !reader.mustWrite {
                    noteTime(reader)
                    return reader
                }
                // The transaction has begun, and has done nothing yet.
                requests = []
                batchesUntilPlain = Self.batchesNotPlain
            }
            sent = .now
            requests.append(Link.Request(.runBatch, parameters(of: plan, at: now, writes: true)))
            let answers = try link.run(requests, until: deadline)
            let reader = BatchReader(answers[answers.count - 1], operations, plan, members)
            noteTime(reader)
            return reader
        } catch {
            rollBack(link, until: deadline)
            throw error
        }
    }

    private func result(of reader: BatchReader, _ batch: Batch) -> BatchResult {
        outage.isLong = false
        defer { hasLostClaims = false }
        var nextEvent: Timestamp?
        if let next = reader.nextEvent {
            // The manager's timers go by its own clock, so it is told how far off the event is.
            nextEvent = Timestamp(rawValue: batch.now.rawValue + next - reader.now)
        }
        return BatchResult(
            outcomes: withoutLongLocked(reader.outcomes, batch.operations),
            needsDurability: reader.needsDurability,
            timePassed: reader.timePassed,
            nextEvent: nextEvent,
            timeRead: sent,
            claimsWereLost: hasLostClaims
        )
    }

    /// Gives up on commands that have met another program's lock for as long as a batch may wait.
    private func withoutLongLocked(_ outcomes: [Outcome], _ operations: [Operation]) -> [Outcome] {
        guard !lockedSince.isEmpty || outcomes.contains(.locked) else { return outcomes }
        var outcomes = outcomes
        for (index, operation) in operations.enumerated() {
            // The end of a claim is tried for as long as it takes.
            if case .expire = operation.action { continue }
            switch outcomes[index] {
            case .locked:
                let since = lockedSince[operation.session] ?? .now
                if ContinuousClock.now - since >= options.timeout {
                    outcomes[index] = .failed
                    lockedSince[operation.session] = nil
                } else {
                    lockedSince[operation.session] = since
                }
            case .heldBack: break
            default: lockedSince[operation.session] = nil
            }
        }
        return outcomes
    }

    private func rollBack(_ link: Link, until deadline: ContinuousClock.Instant) {
        guard !link.isBroken else { return }
        do {
            try link.run([Link.Request(.rollback)], until: deadline)
        } catch {
            disconnect()
        }
    }

    // The commit.

    /// Adds the counts up, commits, and does what has to follow the commit at once.
    ///
    /// - Returns: what was committed: what the reader says, nearly always.
    private func commit(
        _ reader: BatchReader,
        _ isCareful: Bool,
        _ link: Link,
        until deadline: ContinuousClock.Instant
    ) throws(PostgresError) -> BatchReader {
        var committed = reader
        var requests: [Link.Request] = []
        if reader.transaction != nil { requests.append(finishing(reader, isCareful)) }
        requests.append(Link.Request(.commit))
        let answersToCommit = requests.count
        // What follows comes after the commit, so that who is not waiting yet sees what was committed; and it is a
        // transaction of its own, since one that notifies makes all others that do so wait until it is on the disk.
        let awakened = reader.tally.awakened
        if !awakened.isEmpty {
            var parameters = Parameters()
            parameters.add(Array(awakened))
            parameters.add(manager.rawValue)
            requests.append(Link.Request(.wake, parameters))
        }
        let newlyAwaited = Set(reader.cameShort).subtracting(announced)
        if !newlyAwaited.isEmpty { requests.append(announcing(newlyAwaited)) }

        var answers: [Answer] = []
        do {
            try link.run(requests, until: deadline, &answers)
            announced.formUnion(newlyAwaited)
        } catch {
            if answers.count >= answersToCommit {
                // What followed the commit failed; others find out a little later.
                if !link.isBroken { rollBack(link, until: deadline) }
            } else if error.meaning == .reconnect, reader.transaction != nil {
                // Also where the server says that it ends the connection: it may do so after the commit, while it waits for
                // a standby.
                committed = try resolve(reader, error.message, until: deadline)
            } else {
                rollBack(link, until: deadline)
                throw error
            }
        }
        if committed.transaction != nil {
            batches += 1
            lastBeat = .now
        }
        members = committed.members
        leftovers = committed.leftovers
        if !reader.cameShort.isEmpty {
            awaited.formUnion(reader.cameShort)
            // A task may have come between the look and the announcement: look again.
            if !newlyAwaited.isEmpty { handler?() }
        }
        return committed
    }

    private func finishing(_ reader: BatchReader, _ isCareful: Bool) -> Link.Request {
        let unprotected = reader.tally.shrunk.filter { tube in TubeName(tube).map { !members.protects($0) } ?? false }
        var parameters = Parameters()
        parameters.add(manager.rawValue)
        parameters.add(batches + 1)
        parameters.add(fence)
        let isSimple = reader.keysAdded == 0 && reader.retired.isEmpty && unprotected.isEmpty
        if isSimple, !isCareful, let (tube, change) = reader.tally.onlyChange {
            parameters.add(tube)
            change.write(to: &parameters)
            return Link.Request(.settle, parameters)
        }
        parameters.add(reader.now)
        parameters.add(Int64(options.uniqueRetention) * 1000)
        parameters.add(reader.keysAdded)
        parameters.add(reader.retired)
        parameters.add(unprotected.sorted())
        reader.tally.write(to: &parameters)
        parameters.add(isCareful)
        return Link.Request(.finishBatch, parameters)
    }

    /// Finds out what became of a transaction whose commit was not answered.
    ///
    /// - Returns: what was committed.
    /// - Throws: ``PostgresError``: meaning ``PostgresError/Meaning/retry`` where the transaction was lost, and so nothing
    ///   has happened; meaning ``PostgresError/Meaning/unknown`` where the time was over before the answer came.
    private func resolve(
        _ reader: BatchReader,
        _ message: String,
        until deadline: ContinuousClock.Instant
    ) throws(PostgresError) -> BatchReader {
        let lost = PostgresError.refused(state: "40001", message: "the transaction was lost with the connection")
        disconnect()
        while ContinuousClock.now < deadline {
            do throws(PostgresError) {
                let link = try reconnect(until: deadline)
                var me = Parameters()
                me.add(manager.rawValue)
                // This is a commit of its own: once it is answered, all that was committed before is where commits have to
                // be, on a synchronous standby too.
                let last = try link.run([Link.Request(.lastBatch, me)], until: deadline)[0]
                let status = try status(of: reader.transaction ?? 0, link, until: deadline)
                if last.rows > 0 {
                    fence = last.int64(0, 1)
                    // Only this manager writes this number. The transaction's number alone would not do: a standby that
                    // never heard of the transaction gives the number to another one.
                    guard last.int64(0, 0) == batches + 1, status != "aborted" else { throw lost }
                    return reader
                }
                // Peers have taken this manager for dead meanwhile, and returned its claims.
                loseClaims()
                guard status == "committed" else { throw lost }
                return reader.withoutClaims()
            } catch {
                guard error.meaning == .reconnect else { throw error }
                disconnect()
            }
        }
        // Whatever it has claimed nobody here knows of.
        loseClaims()
        throw .unresolved("\(message); what became of a batch is not known")
    }

    private func status(
        of transaction: Int64,
        _ link: Link,
        until deadline: ContinuousClock.Instant
    ) throws(PostgresError) -> String? {
        var parameters = Parameters()
        parameters.add(String(transaction))
        do {
            let answer = try link.run([Link.Request(.transactionStatus, parameters)], until: deadline)[0]
            return answer.isNull(0, 0) ? nil : answer.text(0, 0)
        } catch .refused(state: "22023", _) {
            // Its number has not come up yet on this server, so it cannot have been committed here.
            return "aborted"
        }
    }
}
