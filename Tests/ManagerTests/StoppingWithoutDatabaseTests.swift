import Logging
import NIOCore
import NIOEmbedded
import TaskStore
import Testing

@testable import Manager
@testable import StoreTesting

/// A manager that has to end while its database is away.
@Suite struct StoppingWithoutDatabaseTests {
    /// A store that can be taken away.
    private final class Absent: Store {
        let store: MemoryStore
        var isAway = false

        init(_ store: MemoryStore) {
            self.store = store
        }

        var manager: ManagerID { store.manager }

        func run(_ batch: Batch) throws(StoreError) -> BatchResult {
            guard !isAway else { throw StoreError(.failed, "the database is away") }
            return store.run(batch)
        }

        func makeDurable() {}
        func unsubscribe(from tube: TubeName) {}
        func observeChanges(_ handler: @escaping @Sendable (StoreChange) -> Void) {}
        func hasChangedElsewhere() -> Bool { false }
        func maintain(at now: Timestamp) -> Maintenance { Maintenance() }
        func leave() throws(StoreError) { throw StoreError(.failed, "the database is away") }
    }

    private let loop = EmbeddedEventLoop()

    @Test func `it answers what has arrived and ends, long before its time to stop is over`() throws {
        let store = Absent(MemoryStore(MemoryQueue(), ManagerID(rawValue: 1), "one"))
        let configuration = ManagerConfiguration(version: "0", stopTimeout: .hours(1))
        let engine = Engine(
            store: store,
            configuration: configuration,
            eventLoop: loop,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
        var failure: (any Error)?
        engine.ended.futureResult.assumeIsolated().whenFailure { failure = $0 }
        let channel = EmbeddedChannel(loop: loop)
        try channel.pipeline.syncOperations.addHandler(
            ConnectionHandler(engine: engine, answerPath: .socket, origin: ConnectionOrigin(address: "test"))
        )
        channel.connect(to: try SocketAddress(ipAddress: "127.0.0.1", port: 1), promise: nil)
        try channel.writeInbound(ByteBuffer(string: "put 0 0 60 1\r\na\r\nreserve\r\n"))
        loop.run()
        _ = try channel.readOutbound(as: ByteBuffer.self)
        store.isAway = true
        try channel.writeInbound(ByteBuffer(string: "put 0 0 60 1\r\na\r\n"))
        engine.stop()
        for _ in 0..<10 { loop.advanceTime(by: .milliseconds(100)) }
        let answer = try channel.readOutbound(as: ByteBuffer.self)
        #expect(answer.map { String(buffer: $0) } == "INTERNAL_ERROR\r\n")
        #expect(!channel.isActive)
        #expect(failure is StoreError)
    }
}
