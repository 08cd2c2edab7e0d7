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

    private func address(_ proxy: Proxy) throws -> String {
        let user = try place.shell().ask("SELECT current_user::text, current_database()::text")
        return "host=127.0.0.1 port=\(proxy.port) user=\(user.text(0, 0)) dbname=\(user.text(0, 1))"
    }

    /// The first answers are about encryption and authentication, the next ones about settings and prepared statements.
    @Test(arguments: 0..<12)
    func `a server that stops to answer is given up`(_ answers: Int) throws {
        let port = try place.shell().ask("SELECT current_setting('port')").text(0, 0)
        let proxy = try Proxy(to: try #require(UInt16(port)))
        defer { proxy.close() }
        try place.store().leave()
        proxy.fallSilent(after: answers)
        var options = PostgresStore.Options()
        options.schema = place.name
        options.timeout = .milliseconds(500)
        let text = try address(proxy)
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
