import CPostgres
public import TaskStore

extension PostgresStore {
    /// The oldest server that has what is used here.
    private static let oldestServer: Int32 = 140_000

    /// Opens the store for a manager, making the tables where they do not exist, and enters the manager among its peers.
    ///
    /// Managers may do the same at the same instant, on whatever hosts. The claims of managers that have died are returned
    /// before this does.
    ///
    /// - Parameters:
    ///   - address: a connection URI or string, as libpq takes it: several hosts may be named, of which the one that takes
    ///     writes is used. What it leaves open comes from libpq's environment variables.
    ///   - name: what people call this manager.
    ///   - listeningAddress: where it listens, for people who look at the table of managers.
    ///   - options: what can be set.
    /// - Returns: the store, for one thread at a time.
    /// - Throws: ``StoreError/Code/unusable``, with one line that says what is wrong.
    public static func open(
        address: String,
        name: String,
        listeningAddress: String,
        options: Options = Options()
    ) throws(StoreError) -> PostgresStore {
        try check(address)
        let store = PostgresStore(address, name: name, listeningAddress: listeningAddress, options)
        let deadline = ContinuousClock.now + options.timeout
        while true {
            do {
                try store.open(until: deadline)
                try store.listener.listen(for: store.manager)
                return store
            } catch let error as PostgresError {
                store.disconnect()
                guard error.meaning == .reconnect, ContinuousClock.now < deadline else {
                    throw StoreError(.unusable, "PostgreSQL: \(error.message)")
                }
                store.outage.failed()
            } catch let error as StoreError {
                throw error
            } catch {
                throw StoreError(.unusable, "PostgreSQL: \(error)")
            }
        }
    }

    /// Whether libpq understands an address; it may hold a password, so it is not repeated in what is thrown.
    private static func check(_ address: String) throws(StoreError) {
        var message: UnsafeMutablePointer<CChar>?
        let options = PQconninfoParse(address, &message)
        defer {
            PQconninfoFree(options)
            PQfreemem(message)
        }
        if options == nil {
            let reason = message.map { String(cString: $0) } ?? "no memory"
            throw StoreError(
                .unusable,
                "the database's address: \(reason.split(separator: "\n").joined(separator: "; "))"
            )
        }
    }

    private func open(until deadline: ContinuousClock.Instant) throws {
        let first = try Link(address)
        guard first.serverVersion >= Self.oldestServer else {
            throw StoreError(.unusable, "PostgreSQL \(first.serverVersion / 10_000) is too old: 14 or later is needed")
        }
        try Schema.establish(first, options.schema)
        durability = try Self.durability(first)
        let link = try reconnect(until: deadline)
        recoveredAtOpening = try buryDead(link, until: deadline)
        try enter(link, until: deadline)
    }

    /// What a commit is worth on this server.
    private static func durability(_ link: Link) throws(PostgresError) -> (line: String, isWarning: Bool) {
        let answer = try link.ask(
            """
            SELECT
                current_setting('synchronous_commit'), current_setting('fsync'),
                current_setting('synchronous_standby_names')
            """
        )
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
