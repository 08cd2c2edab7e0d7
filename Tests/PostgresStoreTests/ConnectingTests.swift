import Foundation
import TaskStore
import Testing

@testable import PostgresStore

/// Servers that stop to answer while a connection is made.
///
/// A test that hangs has found a wait without limit.
@Suite(.enabled(if: TestServer.address != nil, "BEANROW_TEST_POSTGRES names no server"), .timeLimit(.minutes(2)))
struct ConnectingTests {
    private let place = TemporarySchema()

    /// The first answers are about encryption and authentication, the next ones about settings and prepared statements.
    @Test(arguments: 0..<12)
    func `a server that stops to answer is given up`(_ answers: Int) throws {
        let proxy = try Proxy(to: try place.serverPort())
        defer { proxy.close() }
        try place.store().leave()
        proxy.fallSilent(after: answers)
        var options = PostgresStore.Options()
        options.schema = place.name
        options.timeout = .milliseconds(500)
        let text = try place.addressByTCP(port: proxy.port)
        let store = try? PostgresStore.open(address: text, name: "a", listeningAddress: "x", options: options)
        if let store {
            // It was opened before the server stopped to answer.
            let operation = Operation(session: SessionID(connection: 1, of: store.manager), action: .listTubes)
            _ = try? store.run(Batch([operation], now: Timestamp(rawValue: 1)))
            _ = try? store.maintain(at: Timestamp(rawValue: 1))
            try? store.leave()
        }
    }
}

/// What becomes of waits for a silent server once the process has to end.
///
/// The limits of these stores are hours. So a test that ends has ended its waits early.
@Suite(.enabled(if: TestServer.address != nil, "BEANROW_TEST_POSTGRES names no server"), .timeLimit(.minutes(2)))
struct StoppingTests {
    private let place = TemporarySchema()
    private let now = Timestamp(rawValue: 1)

    @Test(arguments: [false, true])
    func `a batch, and leaving, end soon`(_ isCut: Bool) throws {
        try place.throughProxy(timeout: .seconds(7200)) { (proxy: Proxy, store: PostgresStore) throws in
            proxy.fallSilent(after: 0)
            if isCut { proxy.cut() }
            store.options.stop.stop()
            let operation = Operation(session: SessionID(connection: 1, of: store.manager), action: .listTubes)
            #expect(throws: StoreError.self) { try store.run(Batch([operation], now: now)) }
            #expect(throws: StoreError.self) { try store.maintain(at: now) }
            #expect(throws: StoreError.self) { try store.leave() }
        }
    }

    @Test func `opening ends soon`() throws {
        try place.store().leave()
        let proxy = try Proxy(to: try place.serverPort())
        defer { proxy.close() }
        proxy.fallSilent(after: 3)
        var options = PostgresStore.Options()
        options.schema = place.name
        options.timeout = .seconds(7200)
        options.stop.stop()
        let address = try place.addressByTCP(port: proxy.port)
        #expect(throws: StoreError.self) {
            _ = try PostgresStore.open(address: address, name: "a", listeningAddress: "x", options: options)
        }
    }

    @Test func `a server that answers is used until the end`() throws {
        let store = try place.store()
        store.options.stop.stop()
        let session = SessionID(connection: 1, of: store.manager)
        let put = Action.put(NewTask(tube: .default, priority: 1, delay: 0, timeToRun: 60, body: []))
        for _ in 0..<3 { _ = try store.run(Batch([Operation(session: session, action: put)], now: now)) }
        try store.leave()
        #expect(try place.shell().ask("SELECT count(*) FROM task_state").int64(0, 0) == 3)
        #expect(try place.shell().ask("SELECT count(*) FROM manager").int64(0, 0) == 0)
    }
}
