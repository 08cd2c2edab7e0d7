import TaskStore

extension PostgresStore {
    /// Adds the count changes, commits, and does what has to follow the commit at once.
    ///
    /// - Returns: what was committed: what the reader has, unless the server was lost during the commit.
    func commit(_ reader: BatchReader, _ attempt: Attempt) throws(PostgresError) -> BatchReader {
        var committed = reader
        var requests = reader.transaction == nil ? [] : finish(reader, isCareful: attempt.isCareful)
        requests.append(PostgresConnection.Request(.commit))
        let answersToCommit = requests.count
        let newTubes = Set(reader.unsatisfied).subtracting(subscribed)
        requests += followCommit(reader, newTubes)

        var answers: [ResultRows] = []
        do {
            try attempt.connection.run(requests, until: attempt.deadline, &answers)
            subscribed.formUnion(newTubes)
        } catch {
            if answers.count >= answersToCommit {
                // What followed the commit failed. Other managers look for tasks by themselves a little later.
                if !attempt.connection.isBroken { rollBack(attempt.connection, until: attempt.deadline) }
            } else if error.meaning == .reconnect, reader.transaction != nil {
                // The server may have reported that it ends the connection. It may do so after the commit, while it waits for
                // a standby.
                committed = try resolve(reader, error.message, until: attempt.deadline)
            } else {
                rollBack(attempt.connection, until: attempt.deadline)
                throw error
            }
        }
        note(committed, newTubes)
        return committed
    }

    /// Returns the statements before the commit of a batch that has changed something.
    ///
    /// Most batches change one tube, and need only the first statement.
    private func finish(_ reader: BatchReader, isCareful: Bool) -> [PostgresConnection.Request] {
        let changes = reader.changes.all
        let first = isCareful ? nil : changes.first
        var parameters = Parameters()
        parameters.add(manager.rawValue)
        parameters.add(batches + 1)
        parameters.add(fence)
        parameters.add(first?.tube)
        for value in CountChange.all { parameters.add(first?.change[keyPath: value]) }
        var requests = [PostgresConnection.Request(.finishBatch, parameters)]

        let others = isCareful ? changes[...] : changes.dropFirst()
        if !others.isEmpty {
            var parameters = Parameters()
            parameters.add(manager.rawValue)
            parameters.add(others.map(\.tube))
            for value in CountChange.all { parameters.add(others.map { $0.change[keyPath: value] }) }
            requests.append(PostgresConnection.Request(isCareful ? .addCountChanges : .addCounts, parameters))
        }
        if reader.keysAdded > 0 {
            // Forget more old keys than were added, so that they cannot accumulate.
            var parameters = Parameters()
            parameters.add(reader.now)
            parameters.add(reader.keysAdded * 2)
            requests.append(PostgresConnection.Request(.forgetKeys, parameters))
        }
        let unprotected = reader.changes.shrunk.filter { tube in
            TubeName(tube).map { !references.protects($0) } ?? false
        }
        if !unprotected.isEmpty {
            var parameters = Parameters()
            parameters.add(unprotected.sorted())
            requests.append(PostgresConnection.Request(.removeUnusedTubes, parameters))
        }
        return requests
    }

    /// Returns the statements after the commit.
    ///
    /// They come after it, so that a session that is not waiting yet sees what was committed. They are another transaction:
    /// all transactions that notify wait for each other until they are on the disk.
    private func followCommit(_ reader: BatchReader, _ newTubes: Set<TubeName>) -> [PostgresConnection.Request] {
        var requests: [PostgresConnection.Request] = []
        if !reader.changes.moreToClaim.isEmpty {
            var parameters = Parameters()
            parameters.add(Array(reader.changes.moreToClaim))
            parameters.add(manager.rawValue)
            requests.append(PostgresConnection.Request(.wake, parameters))
        }
        if !newTubes.isEmpty { requests.append(subscription(to: newTubes)) }
        return requests
    }

    private func note(_ committed: BatchReader, _ newTubes: Set<TubeName>) {
        if committed.transaction != nil {
            batches += 1
            lastBeat = .now
        }
        references = committed.references
        leftovers = committed.leftovers
        awaited.formUnion(committed.unsatisfied)
        // A task may have come between the claim and the subscription: look again.
        if !newTubes.isEmpty { handler?() }
    }

    func rollBack(_ connection: PostgresConnection, until deadline: ContinuousClock.Instant) {
        guard !connection.isBroken else { return }
        do {
            try connection.run([PostgresConnection.Request(.rollback)], until: deadline)
        } catch {
            disconnect()
        }
    }
}

/// The result of a batch.
extension PostgresStore {
    func result(of reader: BatchReader, _ batch: Batch) -> BatchResult {
        backoff.isLong = false
        defer { hasLostClaims = false }
        return BatchResult(
            outcomes: withoutLongLocked(reader.outcomes, batch.operations),
            needsDurability: reader.needsDurability,
            timePassed: reader.timePassed,
            // The manager's timers use its own clock, so the difference is passed on.
            nextEvent: reader.nextEvent.map { Timestamp(rawValue: batch.now.rawValue + $0 - reader.now) },
            timeRead: sent,
            hasLostClaims: hasLostClaims
        )
    }

    /// Gives up commands that have met another program's lock for as long as a batch may wait.
    private func withoutLongLocked(_ outcomes: [Outcome], _ operations: [Operation]) -> [Outcome] {
        guard !lockedSince.isEmpty || outcomes.contains(.locked) else { return outcomes }
        var outcomes = outcomes
        for (index, operation) in operations.enumerated() {
            // A claim whose time is over is tried again without limit.
            if case .expire = operation.action { continue }
            switch outcomes[index] {
            case .locked:
                let since = lockedSince[operation.session] ?? .now
                if ContinuousClock.now >= options.stop.end(ofTryingUntil: since + options.timeout) {
                    outcomes[index] = .failed
                    lockedSince[operation.session] = nil
                } else {
                    lockedSince[operation.session] = since
                }
            case .deferred: break
            default: lockedSince[operation.session] = nil
            }
        }
        return outcomes
    }
}
