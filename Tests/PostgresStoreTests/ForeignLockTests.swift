import TaskStore
import Testing

@testable import PostgresStore

/// Managers beside transactions of other programs that stay open.
@Suite(.enabled(if: TestServer.address != nil, "BEANROW_TEST_POSTGRES names no server"))
struct ForeignLockTests {
    private let place = TemporarySchema()
    private let mail = TubeName("mail")!
    private let now = Timestamp(rawValue: 1_700_000_000_000)

    private func run(_ store: PostgresStore, _ operations: (UInt32, Action)...) throws -> [Outcome] {
        try store.run(
            Batch(
                operations.map {
                    Operation(session: SessionID(connection: $0.0, of: store.manager), action: $0.1)
                },
                now: now
            )
        )
        .outcomes
    }

    private func put(_ tube: TubeName, _ body: UInt8 = 1) -> Action {
        .put(NewTask(tube: tube, priority: 1, delay: 0, timeToRun: 60, body: [body]))
    }

    private func task(_ number: Int64) -> TaskID { TaskID(rawValue: number) }

    /// Opens a store that would wait for minutes if it had to wait, so that the test would fail.
    private func patient() throws -> PostgresStore { try place.store { $0.timeout = .seconds(300) } }

    @Test(arguments: [
        Action.delete(TaskID(rawValue: 1)), .claimTask(TaskID(rawValue: 1)), .kickTask(TaskID(rawValue: 2)),
        .release(TaskID(rawValue: 3), priority: 1, delay: 0), .bury(TaskID(rawValue: 3), priority: 1),
        .touch(TaskID(rawValue: 3)), .expire(TaskID(rawValue: 3)), .delete(TaskID(rawValue: 3)),
        .pause(TubeName("mail")!, seconds: 1),
        .put(NewTask(tube: .default, priority: 1, delay: 0, timeToRun: 60, body: [], key: UniqueKey("key")!)),
    ])
    func `a command that meets a lock is not done until the lock is gone, and all others are done at once`(
        _ action: Action
    ) throws {
        let store = try patient()
        let key = try #require(UniqueKey("key"))
        _ = try run(store, (1, .countUse(mail, using: 1, watching: 1)), (1, put(mail)), (1, put(mail)), (1, put(mail)))
        _ = try run(store, (1, .claimTask(task(2))), (1, .bury(task(2), priority: 1)), (1, .claimTask(task(3))))
        _ = try run(
            store,
            (1, .put(NewTask(tube: .default, priority: 1, delay: 0, timeToRun: 60, body: [], key: key)))
        )
        let program = try place.shell()
        try program.execute(
            """
            BEGIN; UPDATE task SET priority = 7 WHERE id <= 3;
            SELECT 1 FROM tube FOR UPDATE; SELECT 1 FROM unique_key FOR UPDATE; SELECT 1 FROM tube_count FOR UPDATE
            """
        )
        let outcomes = try run(store, (1, action), (1, .storeStatistics), (2, put(mail)), (3, .peek(task(1))))
        #expect(outcomes[0] == .locked)
        if case .expire = action {
            #expect(outcomes[1] != .deferred)
        } else {
            #expect(outcomes[1] == .deferred, "the session's next command comes after it")
        }
        guard case .inserted = outcomes[2] else { throw Contradiction(description: "not put: \(outcomes)") }
        #expect(outcomes[3] == .found(task(1), body: [1]))
        // Claims skip locked tasks.
        let claim = Action.claim(tubes: [mail], count: 9, waits: false)
        guard case .claimed(let tasks) = try run(store, (4, claim))[0] else {
            throw Contradiction(description: "not claimed")
        }
        #expect(tasks.map(\.body) == [[1]], "only the one that was put beside the lock")
        #expect(try run(store, (1, action))[0] == .locked)
        try program.execute("COMMIT")
        let last = try run(store, (1, action))[0]
        #expect(last != .locked && last != .notFound && last != .failed, "\(last)")
        _ = try store.maintain(at: now)
        try place.audit()
        try store.leave()
    }

    @Test func `twenty open transactions delay neither managers nor each other`() throws {
        let store = try patient()
        _ = try run(store, (1, .countUse(mail, using: 1, watching: 1)))
        for _ in 0..<60 { _ = try run(store, (1, put(mail))) }
        let programs = try (0..<20)
            .map { number in
                let program = try place.shell()
                // A transaction that had to wait for another one would fail.
                try program.execute("SET lock_timeout TO 2000; BEGIN")
                try program.execute(
                    """
                    INSERT INTO task (tube, body) VALUES ('mail', 'x'), ('new', 'x'), ('new-\(number)', 'x');
                    UPDATE task SET priority = 3 WHERE id = \(number + 1);
                    UPDATE task SET tube = 'moved' WHERE id = \(number + 21);
                    DELETE FROM task WHERE id = \(number + 41)
                    """
                )
                return program
            }
        let new = try #require(TubeName("new"))
        #expect(
            try run(store, (1, .countUse(new, using: 1, watching: 1)), (1, put(new)), (2, .pause(mail, seconds: 0)))
                .contains(.paused)
        )
        #expect(try run(store, (1, .clear(mail, .pending, limit: 1000))) == [.cleared(0)])
        for (number, program) in programs.enumerated() { try program.execute(number % 2 == 0 ? "COMMIT" : "ROLLBACK") }
        _ = try store.maintain(at: now)
        guard case .tubes(let tubes) = try run(store, (1, .listTubes))[0] else {
            throw Contradiction(description: "no list")
        }
        #expect(tubes.count == 4 + 10, "default, mail, new, moved, and one of each that was committed")
        try place.audit()
        #expect(try place.shell().ask("SELECT count(*) FROM tube_count WHERE manager_id < 0").int64(0, 0) == 0)
        try store.leave()
    }

    @Test func `a tube that SQL has put a task into exists for the next command`() throws {
        let store = try patient()
        try place.shell().execute("INSERT INTO task (tube, body) VALUES ('mail', 'x')")
        guard case .tube(let statistics) = try run(store, (1, .tubeStatistics(mail)))[0] else {
            throw Contradiction(description: "no tube")
        }
        #expect(statistics.counts.pending == 1)
        #expect(try run(store, (1, .pause(mail, seconds: 5))) == [.paused])
        try place.shell().execute("DELETE FROM task")
        _ = try store.maintain(at: now)
        #expect(try run(store, (1, .listTubes)) == [.tubes([.default])])
        try place.audit()
        try store.leave()
    }

    @Test func `a command fails if its task is locked for too long, and no other command fails`() throws {
        let store = try place.store { $0.timeout = .seconds(2) }
        _ = try run(store, (1, .countUse(mail, using: 1, watching: 1)), (1, put(mail)))
        let program = try place.shell()
        try program.execute("BEGIN; UPDATE task SET priority = 7")
        var outcomes: [Outcome] = []
        while outcomes.first != .failed {
            outcomes = try run(store, (1, .delete(task(1))), (2, put(mail)))
            guard case .inserted = outcomes[1] else { throw Contradiction(description: "not put") }
            #expect([.locked, .failed].contains(outcomes[0]))
        }
        try program.execute("ROLLBACK")
        #expect(try run(store, (1, .delete(task(1)))) == [.deleted])
        try store.leave()
    }

    @Test func `a lock that outlasts several leases ends no claim, and no manager is considered dead`() throws {
        let lease = Duration.seconds(3)
        let stores = try ["one", "other"]
            .map { name in
                try place.store(name) {
                    $0.lease = lease
                    $0.timeout = .seconds(300)
                }
            }
        _ = try run(stores[0], (1, .countUse(mail, using: 1, watching: 1)), (1, put(mail)))
        _ = try run(stores[0], (1, .claim(tubes: [mail], count: 1, waits: false)))
        let numbers = stores.map(\.manager)
        let program = try place.shell()
        try program.execute("BEGIN; UPDATE task SET priority = 7")
        let end = ContinuousClock.now + lease * 2.5
        while .now < end {
            for store in stores {
                let isHolder = store === stores[0]
                let outcomes = try run(store, (1, isHolder ? .delete(task(1)) : .storeStatistics), (2, put(mail)))
                #expect(!isHolder || outcomes[0] == .locked)
                guard case .inserted = outcomes[1] else { throw Contradiction(description: "not put") }
                #expect(try store.maintain(at: now).recovered.isEmpty)
            }
            Pause.sleep(.milliseconds(20))
        }
        try program.execute("ROLLBACK")
        #expect(try run(stores[0], (1, .delete(task(1)))) == [.deleted], "its holder still has it")
        #expect(stores.map(\.manager) == numbers)
        try place.audit()
        for store in stores { try store.leave() }
    }

    @Test func `a locked task that is due does not stop others from becoming pending, and is tried again later`() throws
    {
        let store = try patient()
        _ = try run(store, (1, .countUse(mail, using: 1, watching: 1)))
        let delayed = NewTask(tube: mail, priority: 1, delay: 1, timeToRun: 60, body: [])
        _ = try run(store, (1, .put(delayed)), (1, .put(delayed)))
        let program = try place.shell()
        try program.execute("BEGIN; SELECT 1 FROM task_state WHERE id = 1 FOR UPDATE")
        let later = Timestamp(rawValue: now.rawValue + 5000)
        let result = try store.run(Batch([], now: later))
        #expect(result.timePassed)
        #expect(try #require(result.nextEvent) > later)
        let again = try store.run(Batch([], now: later))
        #expect(!again.timePassed)
        try program.execute("ROLLBACK")
        #expect(try store.run(Batch([], now: later)).timePassed)
        try place.audit()
        try store.leave()
    }

    @Test func `claims of a manager or session that is gone are returned unless locked, and the rest later`() throws {
        let dead = try place.store("dead")
        let peer = try place.store("peer")
        let number = dead.manager
        _ = try run(dead, (1, .countUse(mail, using: 1, watching: 1)), (1, put(mail)), (1, put(mail)))
        _ = try run(dead, (1, .claim(tubes: [mail], count: 2, waits: false)))
        let program = try place.shell()
        try program.execute("BEGIN; UPDATE task SET priority = 7 WHERE id = 1")
        try place.kill(dead)
        #expect(try peer.maintain(at: now).recovered == [DeadManager(id: number, name: "dead", claims: 1)])
        #expect(try peer.maintain(at: now).recovered.isEmpty)
        try program.execute("COMMIT")
        #expect(try peer.maintain(at: now).recovered == [DeadManager(id: number, name: "dead", claims: 1)])
        try place.audit()
        // The same holds for a session that ends.
        _ = try run(
            peer,
            (1, .countUse(mail, using: 1, watching: 1)),
            (2, .claim(tubes: [mail], count: 2, waits: false))
        )
        try program.execute("BEGIN; UPDATE task SET priority = 8 WHERE id = 1")
        #expect(try run(peer, (2, .disconnect(releasing: .ownClaims))) == [.disconnected(1)])
        try program.execute("COMMIT")
        #expect(try peer.run(Batch([], now: now)).timePassed)
        #expect(try run(peer, (3, .claim(tubes: [mail], count: 2, waits: false))).count == 1)
        #expect(peer.leftovers.isEmpty)
        try place.audit()
        try peer.leave()
    }
}
