import StoreTesting
import TaskStore
import Testing

@testable import PostgresStore

/// What a store finds for sessions that wait.
@Suite(.enabled(if: TestServer.address != nil, "BEANROW_TEST_POSTGRES names no server"))
struct NewsTests {
    private let place = TemporarySchema()
    private let now = Timestamp(rawValue: 1_700_000_000_000)
    private let tubes = ["one", "two", "three"].compactMap(TubeName.init)

    private func run(_ store: PostgresStore, _ actions: Action..., connection: UInt32 = 1) throws -> [Outcome] {
        let session = SessionID(connection: connection, of: store.manager)
        return try store.run(Batch(actions.map { Operation(session: session, action: $0) }, now: now)).outcomes
    }

    @Test func `lookForNews finds the awaited tubes in which any program has put tasks`() throws {
        let store = try place.store()
        _ = try run(store, .claim(tubes: tubes, count: 1, waits: true))
        #expect(try store.lookForNews() == News())
        try place.shell().execute("INSERT INTO task (tube, body) VALUES ('three', 'x'), ('four', 'x')")
        #expect(try store.lookForNews() == News(tubes: [tubes[2]]))
        _ = try store.maintain(at: now)
        _ = try run(store, .pause(tubes[2], seconds: 5))
        #expect(try store.lookForNews() == News(), "no task of a paused tube can be claimed")
        try store.leave()
    }

    @Test func `lookForNews finds connections whose named session another manager has`() throws {
        let (one, other) = (try place.store("one"), try place.store("other"))
        let name = try #require(SessionName("worker"))
        _ = try run(one, .attach(name), connection: 5)
        #expect(try one.lookForNews() == News())
        _ = try run(other, .attach(name), connection: 6)
        #expect(try one.lookForNews() == News(superseded: [SessionID(connection: 5, of: one.manager)]))
        #expect(try other.lookForNews() == News())
        try one.leave()
        try other.leave()
    }
}
