import Foundation
import Synchronization
import TaskStore
import Testing

@testable import PostgresStore

/// Databases of an older version.
@Suite(.enabled(if: TestServer.address != nil, "BEANROW_TEST_POSTGRES names no server"))
struct MigrationTests {
    private let place = TemporarySchema()
    private let mail = TubeName("mail")!
    private let now = Timestamp(rawValue: 1_700_000_000_000)

    /// A manager of version 1, as its program talks to the server.
    private struct FormerManager {
        let link: PostgresConnection
        let number: Int64

        init(_ link: PostgresConnection) throws {
            self.link = link
            number = try link.ask("SELECT enter_1('old', 0, 'x', 1, '0.1.0', 600000)").int64(0, 0)
        }

        /// Puts a task and claims the first one.
        func putAndClaim(_ connection: Int) throws {
            let session = number << 32 | Int64(connection)
            try run(
                """
                run_batch_1(\(number), true, NULL, 3600000, true, '{}', '{1,2}', '{1,2}', '{4,0}',
                    '{\(session),\(session)}', '{0,0}', '{mail,mail}', '{1,1}', '{0,1}', '{60,0}', '{"",""}',
                    ARRAY['a','']::bytea[], '{\(session)}')
                """,
                counts: "0, 0, 0, 1, 0, 1, 0"
            )
        }

        /// Deletes a task that a connection holds.
        func delete(_ task: Int, _ connection: Int) throws {
            let session = number << 32 | Int64(connection)
            try run(
                """
                run_plain_batch_1(\(number), NULL, 0, '{}', '{}', '{}', '{}', 1, '{\(task)}', '{\(session)}', 0, '', '{}')
                """,
                counts: "0, 0, 0, -1, 0, 0, 1"
            )
        }

        /// Sends a heartbeat.
        ///
        /// Returns whether the manager is known.
        func beat() throws -> Bool { try link.ask("SELECT * FROM beat_1(\(number), true)").bool(0, 0) }

        private func run(_ function: String, counts: String) throws {
            try link.execute("BEGIN")
            do {
                try link.execute("SELECT * FROM \(function)")
                // The statement with which 0.1.0 ends most batches.
                try link.execute(
                    """
                    WITH known AS (
                        UPDATE manager SET batches = batches + 1, heartbeat_ms = now_ms()
                        WHERE id = \(number) AND fence = 0 RETURNING id
                    ), counted AS (
                        INSERT INTO tube_count AS counts (
                            tube, manager_id, pending, urgent, delayed, claimed, buried, total_tasks, deletes
                        )
                        VALUES ('mail', \(number), \(counts))
                        ON CONFLICT (tube, manager_id) DO UPDATE SET
                            claimed = counts.claimed + EXCLUDED.claimed,
                            total_tasks = counts.total_tasks + EXCLUDED.total_tasks,
                            deletes = counts.deletes + EXCLUDED.deletes
                    )
                    SELECT CASE WHEN EXISTS (SELECT 1 FROM known) THEN true ELSE not_known_1(\(number)) END
                    """
                )
                try link.execute("COMMIT")
            } catch {
                try link.execute("ROLLBACK")
                throw error
            }
        }
    }

    private func run(_ store: PostgresStore, _ actions: Action...) throws -> [Outcome] {
        let session = SessionID(connection: 1, of: store.manager)
        return try store.run(Batch(actions.map { Operation(session: session, action: $0) }, now: now)).outcomes
    }

    private func version() throws -> Int64 {
        try place.shell().ask("SELECT max(version) FROM schema_version").int64(0, 0)
    }

    @Test func `a database of version 1 is migrated while a manager of that version serves`() throws {
        let link = try place.makeFirstVersion()
        let old = try FormerManager(link)
        try link.execute("INSERT INTO task (tube, body) VALUES ('mail', 'first'), ('film', 'x')")
        try old.putAndClaim(1)
        let store = try place.store("new")
        #expect(try version() == Schema.version)
        guard case .tube(let statistics) = try run(store, .tubeStatistics(mail))[0] else {
            throw Contradiction(description: "no tube")
        }
        #expect(statistics.counts.pending == 1)
        #expect(statistics.counts.claimed == 1)
        // Both continue, and each takes what the other one has put.
        try old.putAndClaim(2)
        guard case .claimed(let tasks)? = try run(store, .claim(tubes: [mail], count: 9, waits: false)).first else {
            throw Contradiction(description: "claim")
        }
        #expect(tasks.map(\.id.rawValue) == [1], "the others are held")
        #expect(try run(store, .delete(TaskID(rawValue: 3))) == [.notFound])
        try old.delete(3, 1)
        #expect(try run(store, .delete(TaskID(rawValue: 1))) == [.deleted])
        #expect(try old.beat())
        #expect(try store.maintain(at: now).recovered.isEmpty)
        _ = try store.maintain(at: now)
        try place.audit()
        // Once it shows no sign of life it is dead, and cannot commit anything.
        try link.execute("UPDATE manager SET lease_ms = 0 WHERE id = \(old.number)")
        var found: [DeadManager] = []
        for _ in 0..<3 where found.isEmpty { found = try store.maintain(at: now).recovered }
        #expect(found == [DeadManager(id: ManagerID(rawValue: old.number), name: "old", claims: 1)])
        #expect(throws: PostgresError.self) { try old.putAndClaim(3) }
        #expect(try !old.beat())
        try place.audit()
        try store.leave()
    }

    @Test func `a database of version 2 is migrated while a manager of that version serves`() throws {
        let link = try place.makeSecondVersion()
        let old = try link.ask("SELECT enter_2('old', 0, 'x', 1, '0.2', 600000)").int64(0, 0)
        try link.execute("INSERT INTO task (tube, body) VALUES ('mail', 'first')")
        let store = try place.store("new")
        #expect(try version() == Schema.version)
        // What a manager of version 2 calls: its batches, its heartbeat, the list of managers, and another entry.
        func batch() throws {
            try link.execute(
                """
                SELECT * FROM run_batch_2(
                    \(old), ARRAY[ROW('put', 1, \(old << 32 | 1), NULL, 'mail', '{}', NULL, 1, 0, 60, NULL, NULL, NULL, NULL,
                    false, true, false, false, false, 'x')]::operation_2[],
                    true, false, NULL, 0, 3600000, true, '{}', false, '{}'
                )
                """
            )
        }
        try batch()
        try link.execute(
            "INSERT INTO tube_count (tube, manager_id, pending, total_tasks) VALUES ('mail', \(old), 1, 1)"
        )
        #expect(try link.ask("SELECT count(*) FROM list_managers_2(\(old), true)").int64(0, 0) == 2)
        try link.execute("SELECT beat_2(\(old))")
        #expect(try link.ask("SELECT enter_2('again', 0, 'x', 1, '0.2', 600000)").int64(0, 0) > old)
        // It never looks whether it is to drain.
        #expect(try run(store, .setDraining(manager: "old", true)) == [.notFound])
        #expect(try run(store, .setDraining(manager: "new", true)) == [.drainingSet])
        guard case .claimed(let tasks)? = try run(store, .claim(tubes: [mail], count: 9, waits: false)).first else {
            throw Contradiction(description: "claim")
        }
        #expect(tasks.count == 2)
        _ = try store.maintain(at: now)
        try link.execute(
            "DELETE FROM tube_count WHERE manager_id = \(old); UPDATE manager SET fence = -1 WHERE id <> \(store.manager)"
        )
        try store.leave()
    }

    @Test(arguments: [1, 2])
    func `a migrated database has the tables, types and functions of a new one`(_ former: Int) throws {
        _ = try former == 1 ? place.makeFirstVersion() : place.makeSecondVersion()
        try place.store().leave()
        let fresh = TemporarySchema()
        try fresh.store().leave()
        let questions = [
            """
            SELECT string_agg(relname || ' ' || relkind::text, ', ' ORDER BY relname) FROM pg_class
            WHERE relnamespace = current_schema()::regnamespace AND relkind <> 'v'
            """,
            """
            SELECT string_agg(table_name || '.' || column_name || ' ' || data_type, ', ' ORDER BY table_name, column_name)
            FROM information_schema.columns WHERE table_schema = current_schema()
            """,
            """
            SELECT string_agg(udt_name || '.' || attribute_name || ' ' || data_type, ', ' ORDER BY udt_name, ordinal_position)
            FROM information_schema.attributes WHERE udt_schema = current_schema()
            """,
            """
            SELECT string_agg(sequencename || max_value || cycle, ', ' ORDER BY sequencename) FROM pg_sequences
            WHERE schemaname = current_schema()
            """,
            """
            SELECT string_agg(proname || md5(prosrc), ', ' ORDER BY proname) FROM pg_proc
            WHERE pronamespace = current_schema()::regnamespace AND proname !~ '_1$' AND proname NOT IN ('enter_2', 'list_managers_2', 'list_tubes_2')
            """,
        ]
        for question in questions {
            let (one, other) = (try place.shell().ask(question).text(0, 0), try fresh.shell().ask(question).text(0, 0))
            #expect(one == other)
        }
    }

    @Test func `managers that start at the same time migrate it once`() async throws {
        _ = try place.makeFirstVersion()
        try place.shell().execute("INSERT INTO task (tube, body) VALUES ('mail', 'x')")
        let (address, schema) = (place.address, place.name)
        let opened = await withTaskGroup(of: Bool.self) { group in
            for number in 0..<4 {
                group.addTask {
                    var options = PostgresStore.Options()
                    options.schema = schema
                    options.timeout = .seconds(60)
                    let store = try? PostgresStore.open(
                        address: address,
                        name: "\(number)",
                        listeningAddress: "x",
                        options: options
                    )
                    return (try? store?.leave()) != nil
                }
            }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(opened == 4)
        #expect(try version() == Schema.version)
        #expect(try place.shell().ask("SELECT count(*) FROM task").int64(0, 0) == 1)
    }

    @Test func `a migration that is stopped leaves nothing behind`() throws {
        let link = try place.makeFirstVersion()
        try link.execute("INSERT INTO task (tube, body) VALUES ('mail', 'x')")
        // An index cannot be added while another transaction has changed a task.
        try link.execute("BEGIN; DELETE FROM task")
        let error = #expect(throws: StoreError.self) { try place.store { $0.timeout = .seconds(2) } }
        #expect(error?.code == .inUse)
        #expect(try version() == 1)
        #expect(try place.shell().ask("SELECT to_regclass('heartbeat') IS NULL").bool(0, 0))
        try link.execute("ROLLBACK")
        let store = try place.store()
        #expect(try version() == Schema.version)
        #expect(try run(store, .peek(TaskID(rawValue: 1))) == [.found(TaskID(rawValue: 1), body: Array("x".utf8))])
        try store.leave()
    }

    /// The server sees the same if the manager is killed.
    @Test func `a migration whose connection is lost is run by the next attempt`() throws {
        let link = try place.makeFirstVersion()
        try link.execute("INSERT INTO task (tube, body) VALUES ('mail', 'x')")
        try link.execute("BEGIN; DELETE FROM task")
        let (address, schema) = (place.address, place.name)
        let isOpened = Mutex(false)
        let hasEnded = DispatchSemaphore(value: 0)
        // A task would wait for a thread that this test blocks.
        Thread.detachNewThread {
            var options = PostgresStore.Options()
            options.schema = schema
            options.timeout = .seconds(60)
            let store = try? PostgresStore.open(
                address: address,
                name: "a",
                listeningAddress: "x",
                options: options
            )
            isOpened.withLock { $0 = (try? store?.leave()) != nil }
            hasEnded.signal()
        }
        let limit = ContinuousClock.now + .seconds(60)
        var ended: Int64 = 0
        while ended < 3, .now < limit {
            // The migration waits for the transaction's locks.
            let answer = try place.shell()
                .ask(
                    """
                    SELECT count(pg_terminate_backend(pid)) FROM pg_locks
                    WHERE NOT granted AND relation IN (
                        SELECT oid FROM pg_class WHERE relnamespace = current_schema()::regnamespace
                    )
                    """
                )
            ended += answer.int64(0, 0)
        }
        #expect(ended >= 3)
        #expect(try version() == 1)
        try link.execute("ROLLBACK")
        hasEnded.wait()
        #expect(isOpened.withLock { $0 })
        #expect(try version() == Schema.version)
        #expect(try place.shell().ask("SELECT count(*) FROM task").int64(0, 0) == 1)
        try place.audit()
    }

    @Test func `a newer version is refused`() throws {
        try place.store().leave()
        try place.shell().execute("UPDATE schema_version SET version = \(Schema.version + 1)")
        let error = #expect(throws: StoreError.self) { try place.store() }
        #expect(error?.code == .unusable)
        #expect(error?.message.contains("newer") == true)
        try place.shell().execute("UPDATE schema_version SET version = \(Schema.version)")
    }

    /// A change of a released function would not reach existing databases: they get it only with a new version.
    @Test func `the SQL of a released version does not change`() throws {
        // At a release, add the version and the hash that this test prints if it fails.
        let released: [Int64: UInt64] = [1: 0x64F4_0130_D7FD_5DEE]
        #expect(hash(try TemporarySchema.firstVersion()) == released[1])
        let current = hash([String(decoding: PackageResources.schema_postgres_sql, as: UTF8.self)] + Schema.functions)
        if let known = released[Schema.version] { #expect(current == known) }
    }

    /// FNV-1a, in 64 bits.
    private func hash(_ texts: [String]) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in texts.joined().utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return hash
    }
}
