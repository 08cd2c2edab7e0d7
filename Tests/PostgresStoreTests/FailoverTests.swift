import TaskStore
import Testing

@testable import PostgresStore

/// Batches while the server is away, or while the other managers consider this one dead.
@Suite(.enabled(if: TestServer.address != nil, "BEANROW_TEST_POSTGRES names no server"))
struct FailoverTests {
    private let place = TemporarySchema()
    private let mail = TubeName("mail")!
    private let now = Timestamp(rawValue: 1_700_000_000_000)

    private func run(_ store: PostgresStore, _ actions: Action...) throws -> [Outcome] {
        let session = SessionID(connection: 1, of: store.manager)
        return try store.run(Batch(actions.map { Operation(session: session, action: $0) }, now: now)).outcomes
    }

    private func put(_ body: UInt8 = 1) -> Action {
        .put(NewTask(tube: mail, priority: 1, delay: 0, timeToRun: 60, body: [body]))
    }

    private func countTasks() throws -> Int {
        Int(try place.shell().ask("SELECT count(*) FROM task_state").int64(0, 0))
    }

    private var claim: Action { .claim(tubes: [mail], count: 1, waits: false) }

    private func throughProxy(
        timeout: Duration = .seconds(20),
        _ change: (inout PostgresStore.Options) -> Void = { _ in },
        _ body: (Proxy, PostgresStore) throws -> Void
    ) throws {
        try place.throughProxy(timeout: timeout, change, body)
    }

    @Test func `a lost connection is made again, and clients do not notice`() throws {
        let store = try place.store()
        let shell = try place.shell()
        #expect(try run(store, put()) == [.inserted(TaskID(rawValue: 1))])
        for _ in 0..<3 {
            let backend = try #require(store.connection?.backend)
            try shell.execute("SELECT pg_terminate_backend(\(backend))")
            guard case .inserted = try run(store, put())[0] else { throw Contradiction(description: "not put") }
            #expect(store.connection?.backend != backend)
        }
        #expect(try run(store, claim).count == 1)
        #expect(try run(store, .delete(TaskID(rawValue: 1))) == [.deleted])
        try store.leave()
        try place.audit()
    }

    @Test func `a commit whose answer was lost is reported as what it was`() throws {
        try throughProxy { (proxy: Proxy, store: PostgresStore) throws in
            for number in 1...3 {
                proxy.dropAnswerToNextCommit()
                #expect(try run(store, put()) == [.inserted(TaskID(rawValue: Int64(number)))])
                #expect(proxy.dropped == number)
            }
            proxy.dropAnswerToNextCommit()
            let claimed = ClaimedTask(id: TaskID(rawValue: 1), tube: mail, timeToRun: 60, body: [1])
            #expect(try run(store, claim) == [.claimed([claimed])])
            proxy.dropAnswerToNextCommit()
            #expect(try run(store, .delete(TaskID(rawValue: 1))) == [.deleted])
            #expect(proxy.dropped == 5)
            #expect(try run(store, .storeStatistics).count == 1)
            #expect(try place.shell().ask("SELECT count(*) FROM task_state").int64(0, 0) == 2)
            try place.audit()
        }
    }

    @Test
    func
        `if it cannot be found out in time whether a commit happened, no outcome is reported and the claims are given up`()
        throws
    {
        try throughProxy(timeout: .seconds(5)) { (proxy: Proxy, store: PostgresStore) throws in
            #expect(try run(store, put(1), put(2), claim).count == 3)
            let number = store.manager
            proxy.dropAnswerToNextCommit(cuts: true)
            let error = #expect(throws: StoreError.self) { try run(store, put(3)) }
            #expect(error?.code == .unknown)
            #expect(proxy.dropped == 1)
            // In this case it has happened.
            #expect(try place.shell().ask("SELECT count(*) FROM task_state").int64(0, 0) == 3)
            proxy.restore()
            store.backoff.isLong = false
            let late = SessionID(connection: 1, of: number)
            let batch = Batch([Operation(session: late, action: .touch(TaskID(rawValue: 1)))], now: now)
            let result = try store.run(batch)
            #expect(result.outcomes == [.notFound] && result.hasLostClaims)
            try place.audit()
        }
    }

    @Test func `a commit that arrives after it was given up changes nothing`() throws {
        try throughProxy { options in
            options.endsOrphans = false
        } _: { (proxy: Proxy, store: PostgresStore) throws in
            let two = TubeName("two")!
            let elsewhere = NewTask(tube: two, priority: 1, delay: 0, timeToRun: 60, body: [])
            // A batch that adds a tube makes the others wait until its commit. The batches below must not do that.
            _ = try run(store, .countUse(mail, using: 1, watching: 0), .countUse(two, using: 1, watching: 0))
            // Batches with changes of one tube end in another way than those with changes of several.
            for several in [false, true] {
                let before = try countTasks()
                proxy.holdNextCommit()
                let outcomes = several ? try run(store, put(), .put(elsewhere)) : try run(store, put())
                #expect(proxy.letHeldCommitArrive())
                #expect(try countTasks() == before + outcomes.count)
                guard case .inserted = try run(store, put())[0] else { throw Contradiction(description: "not put") }
            }
            try place.audit()
        }
    }

    @Test func `a commit that was lost with its connection is repeated`() throws {
        let store = try place.store()
        let shell = try place.shell()
        #expect(try run(store, .countUse(mail, using: 1, watching: 1)) == [.useCounted])
        try shell.execute(
            """
            CREATE SEQUENCE deaths;
            CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF nextval('deaths') <= 2 THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF;
                RETURN NULL;
            END $$;
            CREATE CONSTRAINT TRIGGER die AFTER INSERT ON task_state DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW EXECUTE FUNCTION die()
            """
        )
        guard case .inserted? = try run(store, put()).first else { throw Contradiction(description: "not put") }
        #expect(try shell.ask("SELECT count(*) FROM task_state").int64(0, 0) == 1)
        #expect(try shell.ask("SELECT last_value FROM deaths").int64(0, 0) == 3)
        try place.audit()
        try store.leave()
    }

    @Test func `batches fail while the server is away, and succeed afterwards`() throws {
        try throughProxy { (proxy: Proxy, store: PostgresStore) throws in
            #expect(try run(store, put()) == [.inserted(TaskID(rawValue: 1))])
            proxy.cut()
            store.backoff.isLong = true
            let error = #expect(throws: StoreError.self) { try run(store, put()) }
            #expect(error?.code == .failed)
            #expect(throws: StoreError.self) { try store.maintain(at: now) }
            proxy.restore()
            store.backoff.isLong = false
            #expect(try run(store, .peek(TaskID(rawValue: 1))) == [.found(TaskID(rawValue: 1), body: [1])])
            #expect(try place.shell().ask("SELECT count(*) FROM task_state").int64(0, 0) == 1)
        }
    }

    @Test func `a manager that was declared dead has no claims, and continues under another number`() throws {
        let lost = try place.store("lost")
        let peer = try place.store("peer")
        let number = lost.manager
        #expect(try run(lost, .countUse(mail, using: 1, watching: 1), put(), put(), claim).count == 4)
        try place.shell().execute("UPDATE manager SET fence = -1 WHERE id = \(number)")
        #expect(try peer.maintain(at: now).recovered == [DeadManager(id: number, name: "lost", claims: 1)])
        guard case .claimed(let taken)? = try run(peer, claim).first else { throw Contradiction(description: "claim") }
        #expect(taken.map(\.id.rawValue) == [1])

        let session = SessionID(connection: 1, of: number)
        let late = Batch([Operation(session: session, action: .delete(TaskID(rawValue: 1)))], now: now)
        let result = try lost.run(late)
        #expect(result.outcomes == [.notFound])
        #expect(result.hasLostClaims)
        #expect(lost.manager != number)
        #expect(try run(peer, .delete(TaskID(rawValue: 1))) == [.deleted])
        // The tubes that its connections use are counted again, and it can claim again, also for sessions with the old number.
        guard case .claimed(let next)? = try run(lost, claim).first else { throw Contradiction(description: "claim") }
        #expect(next.map(\.id.rawValue) == [2])
        #expect(
            try lost.run(Batch([Operation(session: session, action: .touch(next[0].id))], now: now)).outcomes == [
                .touched
            ]
        )
        guard case .tube(let statistics)? = try run(peer, .tubeStatistics(mail)).first else {
            throw Contradiction(description: "no tube")
        }
        #expect([statistics.using, statistics.watching] == [1, 1])
        try place.audit()
        try peer.leave()
        try lost.leave()
        try place.audit()
    }

    @Test func `a manager within a batch delays no other manager, and is removed once the batch is over`() throws {
        let slow = try place.store("slow")
        let peer = try place.store("peer")
        let number = slow.manager
        #expect(try run(slow, put(), put(), claim).count == 3)
        try place.shell().execute("UPDATE manager SET fence = -1 WHERE id = \(number)")
        // As a batch of it does: it has locked a task, and will lock the manager's row.
        let batch = try place.shell()
        try batch.execute("BEGIN; SELECT 1 FROM task_state WHERE id = 1 FOR UPDATE")
        #expect(try peer.maintain(at: now).recovered.isEmpty)
        #expect(try run(peer, .taskStatistics(TaskID(rawValue: 1))).count == 1)
        try batch.execute("UPDATE manager SET batches = batches + 1 WHERE id = \(number)")
        #expect(try peer.maintain(at: now).recovered.isEmpty)
        try batch.execute("COMMIT")
        #expect(try peer.maintain(at: now).recovered == [DeadManager(id: number, name: "slow", claims: 1)])
        slow.abandon()
        try peer.leave()
        try place.audit()
    }

    @Test func `a named session keeps its claims if its manager was declared dead`() throws {
        let lost = try place.store("lost")
        let peer = try place.store("peer")
        let name = try #require(SessionName("worker"))
        #expect(try run(lost, .attach(name), put(), claim).count == 3)
        try place.shell().execute("UPDATE manager SET fence = -1 WHERE id = \(lost.manager)")
        #expect(try peer.maintain(at: now).recovered.map(\.claims) == [0])
        #expect(try run(lost, .delete(TaskID(rawValue: 1))) == [.deleted])
        try lost.leave()
        try peer.leave()
        try place.audit()
    }

    @Test func `deletes of the same tasks in opposite orders do not block each other`() async throws {
        let stores = try (0..<2).map { try place.store("\($0)") }
        for _ in 0..<20 { _ = try run(stores[0], put()) }
        let ids = (1...20).map { TaskID(rawValue: $0) }
        let address = place.address
        let schema = place.name
        for store in stores { try store.leave() }
        let deleted = await withTaskGroup(of: Int.self) { group in
            for order in [ids, ids.reversed()] {
                group.addTask {
                    var options = PostgresStore.Options()
                    options.schema = schema
                    let store = try? PostgresStore.open(
                        address: address,
                        name: "x",
                        listeningAddress: "x",
                        options: options
                    )
                    guard let store else { return -100 }
                    let session = SessionID(connection: 1, of: store.manager)
                    let batch = Batch(
                        order.map { Operation(session: session, action: .delete($0)) },
                        now: Timestamp(rawValue: 1_700_000_000_000)
                    )
                    let outcomes = (try? store.run(batch).outcomes) ?? []
                    try? store.leave()
                    return outcomes.filter { $0 == .deleted }.count
                }
            }
            return await group.reduce(0, +)
        }
        #expect(deleted == 20)
        try place.audit()
    }
}
