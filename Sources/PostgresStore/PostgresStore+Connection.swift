import Glibc
import TaskStore

extension PostgresStore {
    /// Returns the settings of every connection of a lane.
    ///
    /// They keep the server's planner from plans that are good only while the tables are small. The time of a statement has
    /// no limit: if a limit ends a commit that waits for a standby, the server reports success.
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

    /// Returns the connection, after another attempt if it was lost.
    ///
    /// Waits until the attempt is due.
    func connected(until deadline: ContinuousClock.Instant) throws(PostgresError) -> PostgresConnection {
        if let connection, !connection.isBroken, !mustReenter { return connection }
        let connection = try reconnect(until: deadline)
        if mustReenter { try reenter(connection, until: deadline) }
        return connection
    }

    /// Connects, after waiting until the attempt is due.
    func reconnect(until deadline: ContinuousClock.Instant) throws(PostgresError) -> PostgresConnection {
        if let connection, !connection.isBroken { return connection }
        options.wait.during(.server) { options.stop.pause(until: min(backoff.nextAttempt, deadline)) }
        do {
            let connection = try options.wait.during(.server) { () throws(PostgresError) in
                try connector.connect(until: deadline)
            }
            connection.wait = options.wait
            self.connection = connection
            // During this time, the server may not have been reachable for the other managers either.
            failureDetector.startOver()
            backoff.reset()
            subscribed = []
            try replaceSessions(by: connection, until: max(deadline, .now + ReconnectBackoff.shortWait))
            try subscribe()
            return connection
        } catch {
            backoff.noteFailure()
            // Try again after any error: its cause may be gone at the next attempt.
            throw .disconnected(error.message)
        }
    }

    func disconnect() {
        connection = nil
    }

    /// Notes that the other managers have returned this manager's claims, or may have: it continues under another number.
    func loseClaims() {
        hasLostClaims = true
        mustReenter = true
        references.removeAllClaims()
    }

    /// Adds the manager's row.
    func enter(_ connection: PostgresConnection, until deadline: ContinuousClock.Instant) throws(PostgresError) {
        var parameters = Parameters()
        parameters.add(name)
        parameters.add(Int32(options.lane))
        parameters.add(listeningAddress)
        parameters.add(Int32(getpid()))
        parameters.add(options.version)
        parameters.add(options.lease.milliseconds)
        parameters.add(options.host)
        let answer = try connection.run([PostgresConnection.Request(.enter, parameters)], until: deadline)[0]
        manager = ManagerID(rawValue: answer.int64(0, 0))
        batches = 0
        fence = 0
        leftovers = []
        lastBeat = .now
    }

    /// Adds another row, with another number, for a manager that is considered dead.
    private func reenter(
        _ connection: PostgresConnection,
        until deadline: ContinuousClock.Instant
    ) throws(PostgresError) {
        let former = manager
        try connection.run([PostgresConnection.Request(.releaseNumbers)], until: deadline)
        try enter(connection, until: deadline)
        let users = references.users.sorted { $0.key < $1.key }
        if !users.isEmpty {
            var parameters = Parameters()
            parameters.add(manager.rawValue)
            parameters.add(users.map(\.key.text))
            parameters.add(users.map { Int64($0.value.using) })
            parameters.add(users.map { Int64($0.value.watching) })
            try connection.run([PostgresConnection.Request(.countUsersAgain, parameters)], until: deadline)
        }
        let dead = FailureDetector.ExpiredManager(manager: former.rawValue, pulse: nil)
        try endSessions(of: dead, connection, until: deadline)
        try removeDead(dead, connection, until: deadline)
        // Claims of a named session stay, unless a connection of another manager is attached to the session now.
        let named = references.namedSessions.sorted { $0.value.rawValue < $1.value.rawValue }
        if !named.isEmpty {
            var parameters = Parameters()
            parameters.add(former.rawValue)
            parameters.add(named.map(\.value.rawValue))
            parameters.add(named.map { SessionID(connection: $0.key, of: manager).rawValue })
            try connection.run([PostgresConnection.Request(.attachSessionsAgain, parameters)], until: deadline)
        }
        mustReenter = false
        subscribed = []
        try subscribe()
        // The thread is running, so this cannot fail.
        try? listener.listen(for: manager, until: .now)
    }

    /// Tells the server for which tubes sessions wait, unless it knows.
    func subscribe() throws(PostgresError) {
        let missing = awaited.subtracting(subscribed)
        guard !missing.isEmpty, let connection, !connection.isBroken else { return }
        try connection.run([subscription(to: missing)], until: .now + options.timeout)
        subscribed.formUnion(missing)
        handler?()
    }

    func subscription(to tubes: Set<TubeName>) -> PostgresConnection.Request {
        var parameters = Parameters()
        parameters.add(manager.rawValue)
        parameters.add(tubes.map(\.text))
        return PostgresConnection.Request(.subscribe, parameters)
    }
}

extension Duration {
    /// Whole milliseconds, rounded towards zero.
    var milliseconds: Int64 {
        components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
    }
}
