import CPostgres
import Foundation
import TaskStore
import Testing

@testable import PostgresStore

/// Sessions on the server whose manager has given them up, or is gone, while their transactions hold locks.
@Suite(.enabled(if: TestServer.address != nil, "BEANROW_TEST_POSTGRES names no server"), .timeLimit(.minutes(2)))
struct OrphanTests {
    private let place = TemporarySchema()
    private let mail = TubeName("mail")!
    private let now = Timestamp(rawValue: 1_700_000_000_000)
    private let first = TaskID(rawValue: 1)

    private func run(_ store: PostgresStore, _ actions: Action...) throws -> [Outcome] {
        let session = SessionID(connection: 1, of: store.manager)
        return try store.run(Batch(actions.map { Operation(session: session, action: $0) }, now: now)).outcomes
    }

    private func put() -> Action {
        .put(NewTask(tube: mail, priority: 1, delay: 0, timeToRun: 60, body: [1]))
    }

    private var claim: Action { .claim(tubes: [mail], count: 1, waits: false) }

    @Test func `a connection that was given up holds no lock once the manager has another one`() throws {
        try place.throughProxy(timeout: .seconds(60)) { (proxy: Proxy, store: PostgresStore) throws in
            _ = try run(store, .countUse(mail, using: 1, watching: 1), put(), claim)
            proxy.holdNextCommit()
            #expect(try run(store, .delete(first)) == [.deleted])
            #expect(try run(store, .peek(first)) == [.notFound])
            try place.audit()
        }
    }

    @Test func `the transaction of a dead manager keeps no other one from its tasks`() throws {
        let peer = try place.store("peer")
        try place.throughProxy(timeout: .seconds(2)) { (proxy: Proxy, store: PostgresStore) throws in
            _ = try run(store, .countUse(mail, using: 1, watching: 1), put(), claim)
            let number = store.manager
            proxy.holdNextCommit(cuts: true)
            #expect(throws: StoreError.self) { try run(store, .delete(first)) }
            store.abandon()
            try place.shell().execute("UPDATE manager SET fence = -1 WHERE id = \(number)")
            let limit = ContinuousClock.now + .seconds(60)
            var found: [DeadManager] = []
            while found.isEmpty, .now < limit { found = try peer.maintain(at: now).recovered }
            #expect(found == [DeadManager(id: number, name: "a", claims: 1)])
            #expect(try run(peer, .delete(first)) == [.deleted])
        }
        try place.audit()
        try peer.leave()
    }

    @Test func `a manager that only seemed dead keeps its connection`() throws {
        let one = try place.store("one")
        let other = try place.store("other")
        let backend = try #require(one.connection?.backend)
        let connection = try #require(other.connection)
        let wrong = FailureDetector.ExpiredManager(manager: one.manager.rawValue, pulse: -1)
        try other.endSessions(of: wrong, connection, until: .now + .seconds(60))
        #expect(try run(one, put()) == [.inserted(first)])
        #expect(one.connection?.backend == backend)
        try one.leave()
        try other.leave()
    }

    @Test func `the server watches a manager's host as the manager watches the server's`() throws {
        _ = try place.store()
        var options = PostgresStore.Options()
        options.schema = place.name
        let address = try place.addressByTCP(port: place.serverPort()) + " keepalives_idle=7"
        let store = try PostgresStore.open(address: address, name: "a", listeningAddress: "x", options: options)
        let connection = try #require(store.connection)
        PQexitPipelineMode(connection.handle)
        let answer = try connection.ask(
            """
            SELECT current_setting('tcp_keepalives_idle'), current_setting('tcp_keepalives_interval'),
                current_setting('tcp_keepalives_count'), current_setting('tcp_user_timeout')
            """
        )
        #expect((0..<4).map { answer.text(0, $0) } == ["7", "1", "3", "4000"])
        store.abandon()
    }

    /// A commit may last: on a slow disk, or while it waits for a standby.
    @Test func `a batch whose commit is still under way is not run again`() throws {
        try place.throughProxy(timeout: .seconds(60)) { options in
            options.endsOrphans = false
        } _: { (proxy: Proxy, store: PostgresStore) throws in
            _ = try run(store, .countUse(mail, using: 1, watching: 1))
            let watcher = try place.shell()
            // The commit waits until another transaction waits for the row of the manager. That one then takes the row, and
            // keeps it until the manager has asked for it.
            try watcher.execute(
                """
                CREATE SEQUENCE commits;
                CREATE FUNCTION commit_slowly() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN
                    IF nextval('commits') > 1 THEN
                        RETURN NULL;
                    END IF;
                    WHILE NOT EXISTS (SELECT 1 FROM pg_locks WHERE NOT granted AND \(blockedByMe)) LOOP
                        PERFORM pg_sleep(0.01);
                    END LOOP;
                    RETURN NULL;
                END $$;
                CREATE CONSTRAINT TRIGGER commit_slowly AFTER INSERT ON task_state DEFERRABLE INITIALLY DEFERRED
                FOR EACH ROW EXECUTE FUNCTION commit_slowly()
                """
            )
            proxy.dropAnswerToNextCommit()
            let number = store.manager
            let keeper = try place.shell()
            let hasEnded = DispatchSemaphore(value: 0)
            let work = KeepRow(keeper: keeper, watcher: watcher, manager: number)
            Thread.detachNewThread {
                work.run()
                hasEnded.signal()
            }
            #expect(try run(store, put()) == [.inserted(first)])
            hasEnded.wait()
            #expect(work.error == nil)
            #expect(try place.shell().ask("SELECT count(*) FROM task_state").int64(0, 0) == 1)
        }
        try place.audit()
    }

    private var blockedByMe: String { "pg_backend_pid() = ANY (pg_blocking_pids(pid))" }
}

/// Keeps the row of a manager whose commit is under way, until the manager has asked for it.
///
/// Only one thread at a time uses it.
private final class KeepRow: @unchecked Sendable {
    let keeper: PostgresConnection
    let watcher: PostgresConnection
    let manager: ManagerID
    private(set) var error: (any Error)?

    init(keeper: PostgresConnection, watcher: PostgresConnection, manager: ManagerID) {
        self.keeper = keeper
        self.watcher = watcher
        self.manager = manager
    }

    func run() {
        do {
            try until("SELECT is_called FROM commits")
            try keeper.execute("BEGIN; SELECT 1 FROM manager WHERE id = \(manager) FOR UPDATE")
            let waits = "EXISTS (SELECT 1 FROM pg_locks WHERE \(keeper.backend) = ANY (pg_blocking_pids(pid)))"
            try until("SELECT \(waits)")
            try until("SELECT NOT \(waits)")
            try keeper.execute("COMMIT")
        } catch {
            self.error = error
        }
    }

    private func until(_ question: String) throws {
        let limit = ContinuousClock.now + .seconds(60)
        while try !watcher.ask(question).bool(0, 0) {
            guard .now < limit else { throw Contradiction(description: "never: \(question)") }
            Pause.sleep(.milliseconds(5))
        }
    }
}
