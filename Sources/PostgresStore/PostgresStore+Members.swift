public import TaskStore

extension PostgresStore {
    /// How often idle sessions, old keys and unused tubes are looked for.
    private static let tidyingInterval = Duration.seconds(10)

    /// How many changes of counts are added up at a time.
    private static let changesAtOnce: Int64 = 5000

    /// How many times 1000 claims of a dead manager are returned before others have their turn.
    private static let stepsAtOnce = 5

    /// See ``Store/maintain(at:)``; does not wait for a server that is away.
    public func maintain(at now: Timestamp) throws(StoreError) -> Maintenance {
        listener.lives(until: .now + options.timeout + Outage.patienceAfterwards)
        defer { listener.lives(until: .now + options.lease) }
        var report = Maintenance()
        do {
            if link == nil || link?.isBroken == true || mustReenter {
                guard ContinuousClock.now >= outage.nextAttempt else { throw StoreError(.busy, "PostgreSQL is away") }
                _ = try connected(until: .now + min(options.timeout, Outage.patienceAfterwards))
            }
            try maintain(at: options.usesBatchTime ? now : nil, &report)
        } catch let error as PostgresError {
            if error.meaning == .leaseLost { loseClaims() }
            if error.meaning == .reconnect { disconnect() }
            // The batches say what is wrong if it goes on; some of the work may have been done.
            if report.recovered.isEmpty { throw StoreError(.busy, error.message) }
        } catch {
            throw StoreError(.busy, "PostgreSQL is away")
        }
        report.claimsWereLost = hasLostClaims
        hasLostClaims = false
        return report
    }

    private func maintain(at now: Timestamp?, _ report: inout Maintenance) throws(PostgresError) {
        let deadline = ContinuousClock.now + options.timeout
        let link = try connected(until: deadline)
        guard let (dead, hasChanges) = try look(link, until: deadline) else {
            loseClaims()
            _ = try connected(until: deadline)
            return
        }
        report.recovered = try bury(dead, link, until: deadline)
        if hasChanges || !report.recovered.isEmpty { try addUp(link, until: deadline) }
        try withdraw(link, until: deadline)
        if ContinuousClock.now - lastTidying >= Self.tidyingInterval {
            lastTidying = .now
            var parameters = Parameters()
            parameters.add(now?.rawValue)
            try link.run([Link.Request(.tidy, parameters)], until: deadline)
        }
    }

    /// Looks at all managers.
    ///
    /// - Returns: those that are dead, and whether counts have changed that are to be added up; nil if this manager is taken
    ///   for dead itself.
    private func look(
        _ link: Link,
        until deadline: ContinuousClock.Instant
    ) throws(PostgresError) -> (dead: [Judge.Verdict], hasChanges: Bool)? {
        var parameters = Parameters()
        parameters.add(manager.rawValue)
        let renews = ContinuousClock.now - lastBeat >= options.lease / 3
        parameters.add(renews)
        let begun = ContinuousClock.now
        let answer = try link.run([Link.Request(.survey, parameters)], until: deadline)[0]
        let ended = ContinuousClock.now
        if renews { lastBeat = begun }
        var sights: [Judge.Sight] = []
        var isKnown = false
        for row in 0..<answer.rows {
            let sight = Judge.Sight(
                manager: answer.int64(row, 0),
                pulse: answer.int64(row, 1),
                lease: .milliseconds(answer.int64(row, 2)),
                isDead: answer.bool(row, 3)
            )
            if sight.manager == manager.rawValue {
                isKnown = !sight.isDead
            } else {
                sights.append(sight)
            }
        }
        guard isKnown || manager.rawValue == 0 else { return nil }
        return (judge.look(sights, begun: begun, ended: ended), answer.rows > 0 && answer.bool(0, 4))
    }

    private func addUp(_ link: Link, until deadline: ContinuousClock.Instant) throws(PostgresError) {
        var parameters = Parameters()
        parameters.add(manager.rawValue)
        parameters.add(Self.changesAtOnce)
        do {
            try link.run([Link.Request(.addUp, parameters)], until: deadline)
        } catch  where error.meaning == .locked {
            // Another program has locked a count; there is time.
        }
    }

    /// Tells the server which tubes sessions do not wait for any more.
    private func withdraw(_ link: Link, until deadline: ContinuousClock.Instant) throws(PostgresError) {
        let superfluous = announced.subtracting(awaited)
        guard !superfluous.isEmpty else { return }
        // First, so that a failure leaves too much with the server rather than too little.
        announced.subtract(superfluous)
        var parameters = Parameters()
        parameters.add(manager.rawValue)
        parameters.add(superfluous.map(\.text))
        try link.run([Link.Request(.withdraw, parameters)], until: deadline)
    }

    /// Cleans up behind managers that had been taken for dead before this one was opened.
    func buryDead(_ link: Link, until deadline: ContinuousClock.Instant) throws(PostgresError) -> [DeadManager] {
        guard let (dead, _) = try look(link, until: deadline) else { return [] }
        return try bury(dead, link, until: deadline)
    }

    private func bury(
        _ dead: [Judge.Verdict],
        _ link: Link,
        until deadline: ContinuousClock.Instant
    ) throws(PostgresError) -> [DeadManager] {
        var buried: [DeadManager] = []
        for verdict in dead {
            if let one = try bury(verdict, link, until: deadline) { buried.append(one) }
        }
        return buried
    }

    /// Returns a manager's claims, a bounded number at a time, and then removes its row.
    ///
    /// What another transaction has locked is left for the next time.
    ///
    /// - Parameters:
    ///   - verdict: which manager.
    ///   - link: the connection.
    ///   - deadline: when waiting for the server ends.
    ///   - steps: how many times 1000 claims are returned at most.
    /// - Returns: what was done; nil if it was nothing.
    /// - Throws: ``PostgresError``; some of the claims may have been returned.
    @discardableResult
    func bury(
        _ verdict: Judge.Verdict,
        _ link: Link,
        until deadline: ContinuousClock.Instant,
        steps: Int = PostgresStore.stepsAtOnce
    ) throws(PostgresError) -> DeadManager? {
        var buried: DeadManager?
        for _ in 0..<steps {
            var parameters = Parameters()
            parameters.add(manager.rawValue)
            parameters.add(verdict.manager)
            parameters.add(buried == nil ? verdict.pulse : nil)
            let answer: Answer
            do throws(PostgresError) {
                answer = try link.run([Link.Request(.bury, parameters)], until: deadline)[0]
            } catch  where error.meaning == .locked {
                return buried
            }
            guard answer.rows == 1 else { return buried }
            let claims = (buried?.claims ?? 0) + Int(answer.int64(0, 1))
            buried = DeadManager(id: ManagerID(rawValue: verdict.manager), name: answer.text(0, 0), claims: claims)
            guard answer.bool(0, 3) else { break }
        }
        return buried
    }

    /// See ``Store/leave()``; where it fails the peers clean up, as after a death.
    public func leave() throws(StoreError) {
        guard !hasLeft else { return }
        hasLeft = true
        listener.stop()
        defer { disconnect() }
        do {
            let patience = outage.isLong ? min(options.timeout, Outage.patienceAfterwards) : options.timeout
            let deadline = ContinuousClock.now + patience
            let verdict = Judge.Verdict(manager: manager.rawValue, pulse: nil)
            try bury(verdict, try reconnect(until: deadline), until: deadline, steps: .max)
        } catch {
            throw error.storeError
        }
    }
}
