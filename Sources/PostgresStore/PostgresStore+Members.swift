public import TaskStore

extension PostgresStore {
    /// How often idle sessions, old keys and unused tubes are looked for.
    private static let tidyingInterval = Duration.seconds(10)

    /// See ``Store/maintain(at:)``; does not wait for a server that is away.
    public func maintain(at now: Timestamp) throws(StoreError) -> Maintenance {
        var report = Maintenance()
        do {
            if link == nil || link?.isBroken == true || mustReenter {
                guard ContinuousClock.now >= outage.nextAttempt else { throw StoreError(.busy, "PostgreSQL is away") }
                _ = try connected(until: .now + options.timeout)
            }
            try maintain(at: options.usesBatchTime ? now : nil, &report)
        } catch let error as PostgresError {
            if error.meaning == .leaseLost { loseClaims() }
            if error.meaning == .reconnect { disconnect() }
            // The batches say what is wrong where it goes on; some of the work may have been done.
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
        var parameters = Parameters()
        parameters.add(manager.rawValue)
        // A third of the lease, so that one renewal may fail.
        let renews = ContinuousClock.now - lastBeat >= options.lease / 3
        parameters.add(renews)
        let start = ContinuousClock.now
        let answer = try link.run([Link.Request(.beat, parameters)], until: deadline)[0]
        guard answer.bool(0, 0) else {
            loseClaims()
            _ = try connected(until: deadline)
            return
        }
        if renews { lastBeat = start }
        // Where the server itself was away nobody could renew a lease; the others get the time to do it now.
        let mayJudge = reconnectedAt.map { ContinuousClock.now - $0 >= options.lease } ?? true
        if answer.bool(0, 1), mayJudge { report.recovered = try buryDead(link, until: deadline) }
        try withdraw(link, until: deadline)
        if ContinuousClock.now - lastTidying >= Self.tidyingInterval {
            lastTidying = .now
            var parameters = Parameters()
            parameters.add(now?.rawValue)
            try link.run([Link.Request(.tidy, parameters)], until: deadline)
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

    /// Cleans up behind the managers that have died.
    func buryDead(_ link: Link, until deadline: ContinuousClock.Instant) throws(PostgresError) -> [DeadManager] {
        var dead: [DeadManager] = []
        while let next = try bury(nil, link, until: deadline) { dead.append(next) }
        return dead
    }

    /// Returns a manager's claims, a bounded number at a time, and removes its row.
    ///
    /// - Parameters:
    ///   - manager: which; none for any that is dead.
    ///   - link: the connection.
    ///   - deadline: when waiting for the server ends.
    /// - Returns: nothing where there is none.
    /// - Throws: ``PostgresError``; some of the claims may have been returned.
    func bury(
        _ manager: ManagerID?,
        _ link: Link,
        until deadline: ContinuousClock.Instant
    ) throws(PostgresError) -> DeadManager? {
        var buried: DeadManager?
        while true {
            var parameters = Parameters()
            parameters.add(self.manager.rawValue)
            parameters.add((buried?.id ?? manager)?.rawValue)
            let answer = try link.run([Link.Request(.bury, parameters)], until: deadline)[0]
            guard answer.rows == 1 else { return buried }
            let id = ManagerID(rawValue: answer.int64(0, 0))
            let claims = (buried?.claims ?? 0) + Int(answer.int64(0, 2))
            buried = DeadManager(id: id, name: answer.text(0, 1), claims: claims)
            if answer.bool(0, 3) { return buried }
        }
    }

    /// See ``Store/leave()``; where it fails the peers clean up, as after a death.
    public func leave() throws(StoreError) {
        guard !hasLeft else { return }
        hasLeft = true
        listener.stop()
        defer { disconnect() }
        do {
            let deadline = ContinuousClock.now + options.timeout
            _ = try bury(manager, try reconnect(until: deadline), until: deadline)
        } catch {
            throw error.storeError
        }
    }
}
