import Foundation
import StoreTesting
import TaskStore

@testable import PostgresStore

/// The server that tests may use.
///
/// tools/test starts one and passes its address.
enum TestServer {
    /// Its address; nil if there is none, and then these tests are skipped.
    static let address = ProcessInfo.processInfo.environment["BEANROW_TEST_POSTGRES"]
}

/// A schema for one test.
///
/// Any number of managers can open it. It is removed at the end.
final class TemporarySchema: StoreHarness {
    let name = "test_\(UInt32.random(in: 0...(.max)))_\(UInt32.random(in: 0...(.max)))"
    let address = TestServer.address ?? ""

    deinit {
        try? PostgresConnection(address)
            .execute("SET client_min_messages TO warning; DROP SCHEMA IF EXISTS \(name) CASCADE")
    }

    /// Opens the store as one more manager.
    ///
    /// - Parameters:
    ///   - name: the manager's name.
    ///   - change: changes its options.
    /// - Returns: the store.
    /// - Throws: the error of opening it.
    func store(_ name: String = "a", _ change: (inout PostgresStore.Options) -> Void = { _ in }) throws -> PostgresStore
    {
        var options = PostgresStore.Options()
        options.schema = self.name
        options.usesBatchTime = true
        // Only the tests declare managers dead.
        options.lease = .seconds(600)
        options.lookInterval = .zero
        change(&options)
        return try PostgresStore.open(address: address, name: name, listeningAddress: "127.0.0.1:0", options: options)
    }

    /// Opens the store through a proxy, for the time of a block.
    ///
    /// - Parameters:
    ///   - timeout: how long the store waits for the server.
    ///   - change: changes its other options.
    ///   - body: uses the store.
    /// - Throws: the errors of opening the store, and of `body`.
    func throughProxy(
        timeout: Duration,
        _ change: (inout PostgresStore.Options) -> Void = { _ in },
        _ body: (Proxy, PostgresStore) throws -> Void
    ) throws {
        // The proxy connects by TCP, also if the server has another socket.
        let proxy = try Proxy(to: try serverPort())
        defer { proxy.close() }
        var options = PostgresStore.Options()
        options.schema = name
        options.usesBatchTime = true
        options.lease = .seconds(600)
        options.timeout = timeout
        change(&options)
        let store = try PostgresStore.open(
            address: try addressByTCP(port: proxy.port),
            name: "a",
            listeningAddress: "x",
            options: options
        )
        try body(proxy, store)
        try? store.leave()
    }

    /// Returns the server's port.
    func serverPort() throws -> UInt16 {
        guard let port = UInt16(try shell().ask("SELECT current_setting('port')").text(0, 0)) else {
            throw Contradiction(description: "the server has no port")
        }
        return port
    }

    /// Returns the address of the server, or of a proxy before it, on a port of this machine.
    func addressByTCP(port: UInt16) throws -> String {
        let user = try shell().ask("SELECT current_user::text, current_database()::text")
        return "host=127.0.0.1 port=\(port) user=\(user.text(0, 0)) dbname=\(user.text(0, 1)) connect_timeout=2"
    }

    /// Creates the tables and functions of version 1.
    ///
    /// - Returns: a connection like that of a manager of this version.
    func makeFirstVersion() throws -> PostgresConnection {
        let connection = try PostgresConnection(address)
        try connection.execute("CREATE SCHEMA \(name); SET search_path TO \(name)")
        for text in try Self.firstVersion() { try connection.execute("BEGIN; \(text); COMMIT") }
        return connection
    }

    /// Creates the tables and functions of version 2.
    ///
    /// - Returns: a connection like that of a manager of this version.
    func makeSecondVersion() throws -> PostgresConnection {
        let connection = try PostgresConnection(address)
        try connection.execute("CREATE SCHEMA \(name); SET search_path TO \(name)")
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("version-2")
        for file in [
            "schema", "functions-tasks", "functions-verbs", "functions-batch", "functions-fast-path",
            "functions-managers",
        ] {
            let text = try String(contentsOf: folder.appendingPathComponent("\(file).sql"), encoding: .utf8)
            try connection.execute("BEGIN; \(text); COMMIT")
        }
        return connection
    }

    /// Returns the SQL of version 1, which Beanrow 0.1.0 had.
    static func firstVersion() throws -> [String] {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("version-1")
        return try ["schema", "functions-batch", "functions-plain-batch", "functions-managers"]
            .map { try String(contentsOf: folder.appendingPathComponent("\($0).sql"), encoding: .utf8) }
    }

    func open(_ name: String, at now: Timestamp) throws -> any Store {
        try store(name)
    }

    func kill(_ store: any Store) throws {
        guard let store = store as? PostgresStore else { return }
        store.abandon()
        try shell().execute("UPDATE manager SET fence = -1 WHERE id = \(store.manager)")
    }

    /// Connects to the database as another program.
    func shell() throws -> PostgresConnection {
        let link = try PostgresConnection(address)
        try link.execute("SET client_min_messages TO warning; SET search_path TO \(name)")
        return link
    }

    /// Finds rows that contradict each other: wrong counts, tubes that should not exist, gaps in the list of tubes.
    func audit() throws {
        let shell = try shell()
        let questions = [
            """
            SELECT 'tube ' || name || ' counts ' || counted || ' but has ' || rows FROM (
                SELECT name,
                    (SELECT concat_ws('/', coalesce(sum(pending), 0), coalesce(sum(urgent), 0), coalesce(sum(delayed), 0),
                        coalesce(sum(claimed), 0), coalesce(sum(buried), 0)) FROM tube_count WHERE tube = name) AS counted,
                    (SELECT concat_ws('/', count(*) FILTER (WHERE state = 'pending'),
                        count(*) FILTER (WHERE state = 'pending' AND priority < 1024),
                        count(*) FILTER (WHERE state = 'delayed'), count(*) FILTER (WHERE state = 'claimed'),
                        count(*) FILTER (WHERE state = 'buried')) FROM task_state WHERE tube = name) AS rows
                FROM tube
            ) AS compared WHERE counted <> rows
            """,
            "SELECT 'task ' || id || ' has no tube' FROM task_state WHERE tube NOT IN (SELECT name FROM tube)",
            """
            SELECT 'tube ' || name || ' should be gone' FROM tube WHERE name <> 'default'
                AND name NOT IN (SELECT tube FROM task_state) AND name NOT IN (SELECT tube FROM tube_user)
            """,
            "SELECT 'counts of ' || tube FROM tube_count WHERE tube NOT IN (SELECT name FROM tube)",
            "SELECT 'tubes are listed ' || string_agg(position::text, ' ') FROM tube HAVING max(position) <> count(*)",
            """
            SELECT 'task ' || id || ' has what does not belong to its state, or lacks what does: ' || task_state FROM task_state
            WHERE state NOT IN ('pending', 'delayed', 'claimed', 'buried')
                OR (due_ms IS NOT NULL) <> (state IN ('delayed', 'claimed')) OR (holder IS NOT NULL) <> (state = 'claimed')
                OR (buried_order IS NOT NULL) <> (state = 'buried') OR priority NOT BETWEEN 0 AND 4294967295
                OR delay_s NOT BETWEEN 0 AND 4294967295 OR ttr_s NOT BETWEEN 1 AND 4294967295 OR id <= 0
            """,
            """
            SELECT 'task ' || id || ' is held by manager ' || (holder >> 32) || ', which is gone' FROM task_state
            WHERE state = 'claimed' AND holder >> 32 <> 0 AND holder >> 32 NOT IN (SELECT id FROM manager)
            """,
            """
            SELECT 'task ' || id || ' is held by session ' || holder || ', which is gone' FROM task_state
            WHERE state = 'claimed' AND holder >> 32 = 0 AND holder NOT IN (SELECT id FROM session)
            """,
            """
            SELECT 'session ' || id || ' is had by manager ' || (connection >> 32) || ', which is gone' FROM session
            WHERE connection IS NOT NULL AND connection >> 32 NOT IN (SELECT id FROM manager)
            """,
            """
            SELECT 'the key of task ' || task_id || ' has a wrong end' FROM unique_key
            WHERE (kept_until_ms IS NULL) <> (task_id IN (SELECT id FROM task_state WHERE keyed))
            """,
            "SELECT 'tube_user of manager ' || manager_id FROM tube_user WHERE manager_id NOT IN (SELECT id FROM manager)",
            "SELECT 'awaited by manager ' || manager_id FROM awaited WHERE manager_id NOT IN (SELECT id FROM manager)",
            """
            SELECT 'counts of manager ' || manager_id FROM tube_count
            WHERE manager_id > 0 AND manager_id NOT IN (SELECT id FROM manager)
            """,
        ]
        var contradictions: [String] = []
        for question in questions {
            let answer = try shell.ask(question)
            contradictions += (0..<answer.count).map { answer.isNull($0, 0) ? question : answer.text($0, 0) }
        }
        guard contradictions.isEmpty else { throw Contradiction(description: contradictions.joined(separator: "; ")) }
    }
}

/// Rows that contradict each other.
struct Contradiction: Error, CustomStringConvertible {
    let description: String
}
