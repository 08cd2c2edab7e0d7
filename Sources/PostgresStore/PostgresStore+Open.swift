public import TaskStore

extension PostgresStore {
    /// The oldest version of the server that can be used.
    private static let oldestServer: Int32 = 120_000

    /// Opens the store for a manager: creates the tables if they do not exist, and adds the manager.
    ///
    /// Several managers may do this at the same time, on any hosts. The claims of dead managers are returned first.
    ///
    /// - Parameters:
    ///   - address: a connection URI or string, as libpq takes it. If it names several hosts, the one that accepts writes is
    ///     used. What it does not set comes from libpq's environment variables.
    ///   - name: the manager's name, for people.
    ///   - listeningAddress: its listening address, for readers of the table of managers.
    ///   - options: the settings.
    /// - Returns: the store, for one thread at a time.
    /// - Throws: ``StoreError/Code/unusable`` or ``StoreError/Code/inUse``, with one line that says what is wrong and holds no
    ///   password.
    public static func open(
        address: String,
        name: String,
        listeningAddress: String,
        options: Options = Options()
    ) throws(StoreError) -> PostgresStore {
        try ServerAddress.check(address)
        let store = PostgresStore(address, name: name, listeningAddress: listeningAddress, options)
        let deadline = ContinuousClock.now + options.timeout
        while true {
            do {
                try store.open(until: deadline)
                store.listener.liveUntil(.now + options.timeout + options.lease)
                try store.listener.listen(for: store.manager, until: max(deadline, .now + .seconds(1)))
                return store
            } catch let error as PostgresError {
                store.disconnect()
                guard error.meaning == .reconnect, ContinuousClock.now < options.stop.end(ofTryingUntil: deadline)
                else {
                    throw StoreError(.unusable, "PostgreSQL: \(error.message)")
                }
                store.backoff.noteFailure()
            } catch let error as StoreError {
                throw error
            } catch {
                throw StoreError(.unusable, "PostgreSQL: \(error)")
            }
        }
    }

    private func open(until deadline: ContinuousClock.Instant) throws {
        let first = try Connector(address, limit: options.timeout, stop: options.stop).connect(until: deadline)
        guard first.serverVersion >= Self.oldestServer else {
            throw StoreError(.unusable, "PostgreSQL \(first.serverVersion / 10_000) is too old: 12 or later is needed")
        }
        try checkSession(of: first, until: deadline)
        try Schema.establish(first, options.schema, until: deadline)
        durability = try Self.durability(first, until: deadline)
        let connection = try reconnect(until: deadline)
        try checkSession(of: first, connection, until: deadline)
        recoveredAtOpening = try removeDead(connection, until: deadline)
        try enter(connection, until: deadline)
    }

    /// Checks that each connection has its own session on the server, which managers need.
    ///
    /// A pool in transaction mode gives a session to one connection after the other, or another session for each
    /// transaction of a connection.
    private func checkSession(
        of first: PostgresConnection,
        _ connection: PostgresConnection,
        until deadline: ContinuousClock.Instant
    ) throws {
        let one = try first.ask("SELECT pg_backend_pid()", until: deadline).int32(0, 0)
        let other = try connection.run([PostgresConnection.Request(.session)], until: deadline)[0].int32(0, 0)
        guard one != other else { throw Self.poolRefusal }
    }

    /// Checks that a new connection has a new session, and the same one in each transaction.
    private func checkSession(of first: PostgresConnection, until deadline: ContinuousClock.Instant) throws {
        let question = "SELECT pg_backend_pid(), (SELECT count(*) FROM pg_prepared_statements)"
        let (one, other) = (try first.ask(question, until: deadline), try first.ask(question, until: deadline))
        guard one.int32(0, 0) == other.int32(0, 0), one.int64(0, 1) == 0 else { throw Self.poolRefusal }
    }

    private static var poolRefusal: StoreError {
        StoreError(
            .unusable,
            "PostgreSQL: the address is that of a pool in transaction mode; managers need a pool in session mode, "
                + "or the server itself"
        )
    }

    /// Describes what a commit survives on this server.
    private static func durability(
        _ connection: PostgresConnection,
        until deadline: ContinuousClock.Instant
    ) throws(PostgresError) -> [(line: String, isWarning: Bool)] {
        let answer = try connection.ask(
            """
            SELECT
                current_setting('synchronous_commit'), current_setting('fsync'),
                current_setting('synchronous_standby_names'), coalesce(current_setting('data_sync_retry', true), 'off')
            """,
            until: deadline
        )
        var lines = [worth(of: answer)]
        if answer.text(0, 3) == "on" {
            lines.append(
                ("data_sync_retry is on: after a failed write of the disk, acknowledged tasks may be missing", true)
            )
        }
        return lines
    }

    private static func worth(of answer: ResultRows) -> (line: String, isWarning: Bool) {
        let (commit, sync, standbys) = (answer.text(0, 0), answer.text(0, 1), answer.text(0, 2))
        if sync == "off" {
            return ("fsync is off: a crash of the server's machine may lose or damage everything", true)
        }
        switch (commit, standbys.isEmpty) {
        case ("off", _):
            return ("synchronous_commit is off: a crash of the server may lose what was acknowledged last", true)
        case (_, true):
            return ("acknowledged tasks are on the server's disk; no synchronous standby has them", false)
        case ("local", _):
            return ("synchronous_commit is local: acknowledged tasks may be missing on the standbys", true)
        case ("remote_write", _):
            return ("acknowledged tasks are on the server's disk and in the memory of synchronous standbys", false)
        default:
            return ("acknowledged tasks are on the disks of the server and of its synchronous standbys", false)
        }
    }
}
