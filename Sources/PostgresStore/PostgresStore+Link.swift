import Glibc
import TaskStore

extension PostgresStore {
    /// What every connection of a lane begins with.
    ///
    /// The server's planner is kept from plans that are good only while the tables are small. There is no limit on the time
    /// of a statement: where it cuts off a commit that waits for a standby, the server calls the commit a success.
    static func setup(_ options: Options) -> String {
        """
        SET search_path TO \(quoted(options.schema));
        SET client_min_messages TO warning;
        SET default_transaction_isolation TO 'read committed';
        SET plan_cache_mode TO force_generic_plan;
        SET enable_seqscan TO off;
        SET enable_bitmapscan TO off;
        SET enable_hashjoin TO off;
        SET enable_mergejoin TO off;
        SET jit TO off;
        SET idle_in_transaction_session_timeout TO \(options.lease.milliseconds);
        SELECT set_config('client_connection_check_interval', '1000', false)
        WHERE current_setting('server_version_num')::integer >= 140000;
        SET statement_timeout TO 0;
        SET lock_timeout TO \(lockTimeout);
        """
    }

    /// The connection, after another attempt where it was lost.
    ///
    /// Waits until the attempt is due.
    func connected(until deadline: ContinuousClock.Instant) throws(PostgresError) -> Link {
        if let link, !link.isBroken, !mustReenter { return link }
        let link = try reconnect(until: deadline)
        if mustReenter { try reenter(link, until: deadline) }
        return link
    }

    /// Connects, after waiting until the attempt is due.
    func reconnect(until deadline: ContinuousClock.Instant) throws(PostgresError) -> Link {
        if let link, !link.isBroken { return link }
        Pause.sleep(min(outage.nextAttempt, deadline) - .now)
        do {
            let link = try connector.connect(until: deadline)
            self.link = link
            // While it was away, others may have been out of reach as well.
            judge.startOver()
            outage.end()
            announced = []
            try announce()
            return link
        } catch {
            outage.failed()
            // Whatever it was: it may be over at the next attempt.
            throw .disconnected(error.message)
        }
    }

    func disconnect() {
        link = nil
    }

    /// This manager's claims are others' now, or nobody knows whose: it goes on under another number.
    func loseClaims() {
        hasLostClaims = true
        mustReenter = true
        members.letGoOfAll()
    }

    /// Enters the manager among its peers.
    func enter(_ link: Link, until deadline: ContinuousClock.Instant) throws(PostgresError) {
        var parameters = Parameters()
        parameters.add(name)
        parameters.add(Int32(options.lane))
        parameters.add(listeningAddress)
        parameters.add(Int32(getpid()))
        parameters.add(options.version)
        parameters.add(options.lease.milliseconds)
        let answer = try link.run([Link.Request(.enter, parameters)], until: deadline)[0]
        manager = ManagerID(rawValue: answer.int64(0, 0))
        batches = 0
        fence = 0
        leftovers = []
        lastBeat = .now
    }

    /// Enters once more, under another number, with what this manager's connections use and watch.
    private func reenter(_ link: Link, until deadline: ContinuousClock.Instant) throws(PostgresError) {
        let former = manager
        try enter(link, until: deadline)
        let users = members.users.sorted { $0.key < $1.key }
        if !users.isEmpty {
            var parameters = Parameters()
            parameters.add(manager.rawValue)
            parameters.add(users.map(\.key.text))
            parameters.add(users.map { Int64($0.value.using) })
            parameters.add(users.map { Int64($0.value.watching) })
            try link.run([Link.Request(.referAgain, parameters)], until: deadline)
        }
        try bury(Judge.Verdict(manager: former.rawValue, pulse: nil), link, until: deadline)
        // Claims of named sessions are safe as long as nobody else has taken the session up.
        let named = members.named.sorted { $0.value < $1.value }
        if !named.isEmpty {
            var parameters = Parameters()
            parameters.add(former.rawValue)
            parameters.add(named.map(\.value))
            parameters.add(named.map { SessionID(connection: $0.key, of: manager).rawValue })
            try link.run([Link.Request(.takeUpAgain, parameters)], until: deadline)
        }
        mustReenter = false
        announced = []
        try announce()
        // Without a thread it would not have come so far.
        try? listener.listen(for: manager, until: .now)
    }

    /// Tells the server which tubes sessions wait for, as far as it does not know.
    func announce() throws(PostgresError) {
        let missing = awaited.subtracting(announced)
        guard !missing.isEmpty, let link, !link.isBroken else { return }
        try link.run([announcing(missing)], until: .now + options.timeout)
        announced.formUnion(missing)
        handler?()
    }

    func announcing(_ tubes: Set<TubeName>) -> Link.Request {
        var parameters = Parameters()
        parameters.add(manager.rawValue)
        parameters.add(tubes.map(\.text))
        return Link.Request(.announce, parameters)
    }
}

extension Duration {
    /// Whole milliseconds, rounded towards zero.
    var milliseconds: Int64 {
        components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
    }
}
