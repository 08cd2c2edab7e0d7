public import TaskStore

extension PostgresStore {
    /// How often idle sessions, old keys and unused tubes are removed.
    private static let cleanUpInterval = Duration.seconds(10)

    /// How many changes of counts are added up at a time.
    private static let changesAtOnce: Int64 = 5000

    /// How many times 1000 claims of a dead manager are returned before the other managers have their turn.
    private static let stepsAtOnce = 5

    /// See ``Store/maintain(at:)``; does not wait for a server that is away.
    public func maintain(at now: Timestamp) throws(StoreError) -> Maintenance {
        let deadline = ContinuousClock.now + timeout
        listener.liveUntil(deadline + ReconnectBackoff.shortWait)
        defer { listener.liveUntil(.now + options.lease) }
        var report = Maintenance()
        do {
            if connection == nil || connection?.isBroken == true || mustReenter {
                guard ContinuousClock.now >= backoff.nextAttempt else { throw StoreError(.busy, "PostgreSQL is away") }
                _ = try connected(until: .now + min(options.timeout, ReconnectBackoff.shortWait))
            }
            try maintain(at: options.usesBatchTime ? now : nil, until: deadline, &report)
        } catch let error as PostgresError {
            if error.meaning == .leaseLost { loseClaims() }
            noteWait(until: deadline)
            if error.meaning == .reconnect { disconnect() }
            // If the error continues, batches report it. Some of the work may have been done.
            if report.recovered.isEmpty { throw StoreError(.busy, error.message) }
        } catch {
            throw StoreError(.busy, "PostgreSQL is away")
        }
        report.hasLostClaims = hasLostClaims
        hasLostClaims = false
        return report
    }

    private func maintain(
        at now: Timestamp?,
        until deadline: ContinuousClock.Instant,
        _ report: inout Maintenance
    ) throws(PostgresError) {
        let connection = try connected(until: deadline)
        guard let (dead, hasChanges) = try findExpired(connection, until: deadline, &report) else {
            loseClaims()
            _ = try connected(until: deadline)
            return
        }
        report.recovered = try removeDead(dead, connection, until: deadline)
        if hasChanges || !report.recovered.isEmpty { try addUpChanges(connection, until: deadline) }
        try unsubscribe(connection, until: deadline)
        if ContinuousClock.now - lastCleanUp >= Self.cleanUpInterval {
            lastCleanUp = .now
            var parameters = Parameters()
            parameters.add(now?.rawValue)
            try connection.run([PostgresConnection.Request(.cleanUp, parameters)], until: deadline)
        }
    }

    /// Finds the managers whose lease is over.
    ///
    /// - Parameters:
    ///   - connection: the connection.
    ///   - deadline: when waiting for the server ends.
    ///   - report: receives the names of the managers, and whether this one is to take new tasks.
    /// - Returns: these managers, and whether there are changes of counts to add up; nil if this manager is considered dead
    ///   itself.
    /// - Throws: ``PostgresError``.
    private func findExpired(
        _ connection: PostgresConnection,
        until deadline: ContinuousClock.Instant,
        _ report: inout Maintenance
    ) throws(PostgresError) -> (dead: [FailureDetector.ExpiredManager], hasChanges: Bool)? {
        var parameters = Parameters()
        parameters.add(manager.rawValue)
        let renews = ContinuousClock.now - lastBeat >= options.lease / 3
        parameters.add(renews)
        parameters.add(figures.text)
        let begun = ContinuousClock.now
        let answer = try connection.run([PostgresConnection.Request(.listManagers, parameters)], until: deadline)[0]
        let ended = ContinuousClock.now
        if renews { lastBeat = begun }
        var observations: [FailureDetector.Observation] = []
        var isKnown = false
        var names: [ManagerID: String] = [:]
        for row in 0..<answer.count {
            let observation = FailureDetector.Observation(
                manager: answer.int64(row, 0),
                pulse: answer.int64(row, 1),
                lease: .milliseconds(answer.int64(row, 2)),
                isDead: answer.bool(row, 3)
            )
            if observation.manager == manager.rawValue {
                isKnown = !observation.isDead
                report.isToldToDrain = answer.bool(row, 5)
            } else {
                observations.append(observation)
            }
            if !observation.isDead { names[ManagerID(rawValue: observation.manager)] = answer.text(row, 6) }
        }
        report.managers = names
        guard isKnown || manager.rawValue == 0 else { return nil }
        return (
            failureDetector.observe(observations, begun: begun, ended: ended), answer.count > 0 && answer.bool(0, 4)
        )
    }

    private func addUpChanges(_ connection: PostgresConnection, until deadline: ContinuousClock.Instant)
        throws(PostgresError)
    {
        var parameters = Parameters()
        parameters.add(manager.rawValue)
        parameters.add(Self.changesAtOnce)
        do {
            try connection.run([PostgresConnection.Request(.addUpChanges, parameters)], until: deadline)
        } catch  where error.meaning == .locked {
            // Another program has locked a count. It can be added up later.
        }
    }

    /// Tells the server for which tubes sessions no longer wait.
    private func unsubscribe(_ connection: PostgresConnection, until deadline: ContinuousClock.Instant)
        throws(PostgresError)
    {
        let superfluous = subscribed.subtracting(awaited)
        guard !superfluous.isEmpty else { return }
        // First, so that after a failure the server knows too many tubes, and not too few.
        subscribed.subtract(superfluous)
        var parameters = Parameters()
        parameters.add(manager.rawValue)
        parameters.add(superfluous.map(\.text))
        try connection.run([PostgresConnection.Request(.unsubscribe, parameters)], until: deadline)
    }

    /// Removes the managers that were considered dead before this one was opened.
    func removeDead(_ connection: PostgresConnection, until deadline: ContinuousClock.Instant) throws(PostgresError)
        -> [DeadManager]
    {
        var report = Maintenance()
        guard let (dead, _) = try findExpired(connection, until: deadline, &report) else { return [] }
        return try removeDead(dead, connection, until: deadline)
    }

    private func removeDead(
        _ dead: [FailureDetector.ExpiredManager],
        _ connection: PostgresConnection,
        until deadline: ContinuousClock.Instant
    ) throws(PostgresError) -> [DeadManager] {
        var removed: [DeadManager] = []
        for manager in dead {
            try endSessions(of: manager, connection, until: deadline)
            if let one = try removeDead(manager, connection, until: deadline) { removed.append(one) }
        }
        return removed
    }

    /// Returns a manager's claims, a bounded number at a time, and then removes its row.
    ///
    /// What another transaction has locked is left for the next call.
    ///
    /// - Parameters:
    ///   - dead: which manager.
    ///   - connection: the connection.
    ///   - deadline: when waiting for the server ends.
    ///   - steps: how many times 1000 claims are returned at most.
    /// - Returns: what was done; nil if it was nothing.
    /// - Throws: ``PostgresError``; some of the claims may have been returned.
    @discardableResult
    func removeDead(
        _ dead: FailureDetector.ExpiredManager,
        _ connection: PostgresConnection,
        until deadline: ContinuousClock.Instant,
        steps: Int = PostgresStore.stepsAtOnce
    ) throws(PostgresError) -> DeadManager? {
        var removed: DeadManager?
        for _ in 0..<steps {
            var parameters = Parameters()
            parameters.add(manager.rawValue)
            parameters.add(dead.manager)
            parameters.add(removed == nil ? dead.pulse : nil)
            let answer: ResultRows
            do throws(PostgresError) {
                answer =
                    try connection.run([PostgresConnection.Request(.removeDeadManager, parameters)], until: deadline)[0]
            } catch  where error.meaning == .locked {
                return removed
            }
            guard answer.count == 1 else { return removed }
            let claims = (removed?.claims ?? 0) + Int(answer.int64(0, 1))
            removed = DeadManager(id: ManagerID(rawValue: dead.manager), name: answer.text(0, 0), claims: claims)
            guard answer.bool(0, 3) else { break }
        }
        return removed
    }

    /// See ``Store/leave()``: if it fails, the other managers do the same as for a dead one.
    public func leave() throws(StoreError) {
        guard !hasLeft else { return }
        hasLeft = true
        listener.stop()
        defer { disconnect() }
        do {
            let deadline = ContinuousClock.now + timeout
            let me = FailureDetector.ExpiredManager(manager: manager.rawValue, pulse: nil)
            try removeDead(me, try reconnect(until: deadline), until: deadline, steps: .max)
        } catch {
            throw error.storeError
        }
    }
}
