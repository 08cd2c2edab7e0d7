import CSQLite
import TaskStore
import Testing

@testable import SQLiteStore

/// What managers tell each other, and that the cost of a batch does not depend on what does not concern it.
@Suite struct TubeNotificationTests {
    private let place: TemporaryStore
    private let store: SQLiteStore
    private let peer: SQLiteStore

    init() throws {
        place = try TemporaryStore()
        store = try place.open()
        peer = try place.open("peer")
    }

    private func session(_ number: UInt32 = 1, of store: SQLiteStore) -> SessionID {
        SessionID(connection: number, of: store.manager)
    }

    @discardableResult
    private func run(_ store: SQLiteStore, _ actions: Action..., as number: UInt32 = 1) throws -> BatchResult {
        let session = session(number, of: store)
        return try store.run(Batch(actions.map { Operation(session: session, action: $0) }, now: .start))
    }

    private func put(_ tube: TubeName, delay: UInt32 = 0) -> Action {
        .put(NewTask(tube: tube, priority: 0, delay: delay, timeToRun: 60, body: [1]))
    }

    /// Returns the nth tube, which a connection of a store watches and waits for.
    private func wait(for number: Int, at store: SQLiteStore) throws -> TubeName {
        let tube = TubeName("t\(number)")!
        let connection = UInt32(number + 1)
        try run(
            store,
            .countUse(tube, using: 0, watching: 1),
            .claim(tubes: [tube], count: 1, waits: true),
            as: connection
        )
        return tube
    }

    @Test func `a peer that waits for other tubes is not woken`() throws {
        // More than the bits of the word that is read first.
        let tubes = try (0..<200).map { try wait(for: $0, at: store) }
        let (sharedPage, slot) = (store.parts.sharedPage, store.parts.livenessLock.slot)
        #expect(sharedPage.subscriptions(of: slot) == .max)
        try run(peer, put(TubeName("elsewhere")!))
        #expect(sharedPage.notifications(slot) == 0)
        #expect(try store.takeNews() == News())
        try run(peer, put(tubes[77]), put(tubes[150]))
        #expect(sharedPage.notifications(slot) == 1)
        #expect(Set(try #require(try store.takeNews()).tubes) == [tubes[77], tubes[150]])
        #expect(try store.takeNews() == News(), "reported once")
        store.unsubscribe(from: tubes[77])
        try run(peer, put(tubes[77]))
        #expect(try store.takeNews() == News())
    }

    @Test func `lookForNews finds tasks that other programs have put`() throws {
        let tubes = try (0..<10).map { try wait(for: $0, at: store) }
        #expect(try store.lookForNews() == News())
        let shell = try place.shell()
        try shell.execute("INSERT INTO task (tube, body) VALUES ('t3', 'x'), ('t4', 'x'), ('other', 'x')")
        try run(peer, .pause(tubes[4], seconds: 60))
        #expect(try store.lookForNews() == News(tubes: [tubes[3]]))
    }

    @Test func `a batch returns the subscribed tubes in which it has left more to claim`() throws {
        let tubes = try (0..<3).map { try wait(for: $0, at: store) }
        #expect(try run(store, put(tubes[1]), put(TubeName("other")!)).moreToClaim == [tubes[1]])
        #expect(try run(store, put(tubes[1]), .claim(tubes: [tubes[1]], count: 1, waits: false)).moreToClaim == [])
        #expect(try run(store, put(tubes[2], delay: 1)).moreToClaim == [])
        let later = Timestamp(rawValue: Timestamp.start.rawValue + 5000)
        let result = try store.run(Batch([], now: later))
        #expect(result.timePassed && result.moreToClaim == [tubes[2]])
        try run(store, .pause(tubes[2], seconds: 600))
        #expect(try run(store, .pause(tubes[2], seconds: 0)).moreToClaim == [tubes[2]])
        #expect(try run(store, .peek(TaskID(rawValue: 1))).moreToClaim == [])
    }

    @Test func `a manager learns which of its connections have lost their named session`() throws {
        _ = try wait(for: 0, at: store)
        let name = SessionName("s")!
        try run(store, .attach(name), as: 5)
        try run(store, .attach(SessionName("another")!), as: 6)
        try run(peer, .attach(name))
        #expect(try store.takeNews() == News(superseded: [session(5, of: store)]))
        #expect(try store.lookForNews() == News(superseded: [session(5, of: store)]))
    }

    @Test func `named sessions are unchanged after a batch that fails`() throws {
        try run(store, .attach(SessionName("s")!), as: 5)
        let tables = store.parts.tables
        let before = tables.namedSessions.all
        try tables.statements.transaction.begin.run()
        try tables.startBatch(at: StoreClock.Reading(claim: 0, wall: 0))
        _ = try tables.attach(session(5, of: store), to: SessionName("t")!, after: nil)
        _ = try tables.attach(session(6, of: store), to: SessionName("u")!, after: nil)
        try store.parts.database.rollBack()
        tables.abandonBatch()
        #expect(tables.namedSessions.all == before)
    }

    /// Returns the number of steps of SQLite's virtual machine for a put directly after another manager's commit.
    private func stepsOfPut() throws -> Int {
        try run(peer, put(.default))
        let tables = store.parts.tables
        _ = tables.statements.takeSteps()
        try run(store, put(.default), .claim(tubes: [.default], count: 1, waits: false))
        return tables.statements.takeSteps()
    }

    @Test func `a batch costs the same however many tubes are paused`() throws {
        let pause: [Action] = [put(TubeName("first")!), .pause(TubeName("first")!, seconds: 600)]
        for action in pause { try run(store, action) }
        _ = try stepsOfPut()
        let few = try stepsOfPut()
        for number in 0..<500 {
            let tube = TubeName("p\(number)")!
            try run(store, put(tube), .pause(tube, seconds: 600 + UInt32(number)))
        }
        let many = try stepsOfPut()
        #expect(many <= few + few / 10, "\(few) steps with one paused tube, \(many) with 501")
    }

    @Test func `pauses that end together end in several batches`() throws {
        let count = QueueRules.mostDueAtOnce + 10
        for number in 0..<count {
            let tube = TubeName("p\(number)")!
            try run(store, put(tube), .pause(tube, seconds: 1))
        }
        let later = Timestamp(rawValue: Timestamp.start.rawValue + 2000)
        let first = try store.run(Batch([], now: later))
        #expect(first.nextEvent.map { $0 <= later } == true, "more are over")
        let second = try store.run(Batch([], now: later))
        #expect(second.nextEvent == nil)
        #expect(try place.shell().integer("SELECT count(*) FROM tube WHERE paused_until_ms IS NOT NULL") == 0)
    }

    @Test func `a session's end and a kick stop at the limit of rows`() throws {
        let count = Batch.mostRows + 7
        for _ in 0..<count { try run(store, put(.default)) }
        try run(store, .claim(tubes: [.default], count: count, waits: false))
        #expect(try run(store, .disconnect(releasing: .ownClaims)).outcomes == [.disconnected(Batch.mostRows)])
        #expect(try run(store, .disconnect(releasing: .ownClaims)).outcomes == [.disconnected(7)])
        try run(store, .attach(SessionName("s")!), .claim(tubes: [.default], count: count, waits: false))
        #expect(try run(store, .disconnect(releasing: .allClaims)).outcomes == [.disconnected(Batch.mostRows)])
        #expect(try run(store, .disconnect(releasing: .allClaims)).outcomes == [.disconnected(7)])
        try place.audit()
    }
}

extension Statements {
    /// Returns the number of steps of SQLite's virtual machine of all statements since the last call.
    func takeSteps() -> Int {
        registry.all.reduce(0) { $0 + $1.statement.takeSteps() }
    }
}

extension Statement {
    fileprivate func takeSteps() -> Int { Int(sqlite3_stmt_status(handle, SQLITE_STMTSTATUS_VM_STEP, 1)) }
}
