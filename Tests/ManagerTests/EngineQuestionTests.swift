import BeanstalkWire
import Logging
import NIOCore
import NIOEmbedded
import NIOPosix
import TaskStore
import Testing
import Transport

@testable import Manager
@testable import StoreTesting

/// Questions to an engine from parts of the process that are not clients.
@Suite final class EngineQuestionTests {
    private let loop = EmbeddedEventLoop()
    private let store = ScriptedStore()
    private let engine: Engine

    init() {
        engine = Engine(
            store: store,
            configuration: ManagerConfiguration(version: "7"),
            eventLoop: loop,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
    }

    deinit {
        // A promise that is never kept is an error.
        engine.ended.succeed()
    }

    private func client() throws -> EmbeddedChannel {
        let channel = EmbeddedChannel(loop: loop)
        try channel.pipeline.syncOperations.addHandler(
            ConnectionHandler(engine: engine, answerPath: .socket, origin: ConnectionOrigin(address: "test"))
        )
        channel.connect(to: try SocketAddress(ipAddress: "127.0.0.1", port: 1), promise: nil)
        loop.run()
        return channel
    }

    private func answers(_ channel: EmbeddedChannel) throws -> String {
        var text = ""
        while let buffer = try channel.readOutbound(as: ByteBuffer.self) { text += String(buffer: buffer) }
        return text
    }

    private func task(_ text: String) -> NewTask {
        NewTask(tube: .default, priority: 0, delay: 0, timeToRun: 60, body: Array(text.utf8))
    }

    /// Returns the answer that an engine has given by now; `nil` if it has given none.
    private func answer(_ future: EventLoopFuture<EngineAnswer>) -> Result<EngineAnswer, any Error>? {
        var result: Result<EngineAnswer, any Error>?
        future.assumeIsolated().whenComplete { result = $0 }
        return result
    }

    @Test func `the answer has an outcome for each action and the figures of the process`() throws {
        let client = try client()
        try client.writeInbound(ByteBuffer(string: "put 0 0 60 1\r\na\r\n"))
        loop.run()
        let future = engine.ask([.storeStatistics, .peekNext(.default, .pending)])
        loop.run()
        let found = try #require(answer(future)).get()
        guard case .store(let statistics) = found.outcomes[0] else { throw StoreError(.failed, "no statistics") }
        #expect(statistics.counts.pending == 1)
        #expect(found.outcomes[1] == .found(TaskID(rawValue: 1), body: Array("a".utf8)))
        #expect(found.process.counters[.put] == 1)
        #expect(found.process.connections == 1)
        #expect(found.process.host.version == "7")
    }

    @Test func `a question is counted as no command and no connection`() throws {
        let future = engine.ask([.storeStatistics])
        loop.run()
        let process = try #require(answer(future)).get().process
        #expect(process.counters[.stats] == 0)
        #expect(process.connections == 0)
    }

    @Test func `a task that a question puts goes to a client that waits`() throws {
        let client = try client()
        try client.writeInbound(ByteBuffer(string: "reserve\r\n"))
        loop.run()
        let future = engine.ask([.put(task("a"))])
        loop.run()
        #expect(try #require(answer(future)).get().outcomes == [.inserted(TaskID(rawValue: 1))])
        #expect(try answers(client) == "RESERVED 1 1\r\na\r\n")
    }

    @Test func `a question waits while the database is busy, and no client waits with it`() throws {
        store.errors = [StoreError(.busy, "locked")]
        let future = engine.ask([.listTubes])
        loop.run()
        #expect(answer(future) == nil)
        let client = try client()
        try client.writeInbound(ByteBuffer(string: "put 0 0 60 1\r\na\r\n"))
        loop.run()
        #expect(try answers(client) == "INSERTED 1\r\n")
        loop.advanceTime(by: .milliseconds(10))
        #expect(try #require(answer(future)).get().outcomes == [.tubes([.default])])
    }

    @Test func `a question that fails does not fail the others or the clients`() throws {
        store.errors = [StoreError(.failed, "no")]
        let (failing, other) = (engine.ask([.listTubes]), engine.ask([.listTubes]))
        loop.run()
        #expect(throws: StoreError(.failed, "no")) { try #require(answer(failing)).get() }
        #expect(try #require(answer(other)).get().outcomes == [.tubes([.default])])
    }

    @Test(arguments: [
        Action.claim(tubes: [.default], count: 1, waits: false), .delete(TaskID(rawValue: 1)),
        .disconnect(releasing: .ownClaims), .countUse(.default, using: 1, watching: 0),
    ])
    func `an action for connections is refused and does nothing`(action: Action) throws {
        let future = engine.ask([.put(task("a")), action])
        loop.run()
        #expect(throws: StoreError.self) { try #require(answer(future)).get() }
        let count = engine.ask([.storeStatistics])
        loop.run()
        guard case .store(let store)? = try #require(answer(count)).get().outcomes.first else { return }
        #expect(store.totalTasks == 0)
    }

    @Test func `questions fail when the engine ends, and after it`() throws {
        store.errors = [StoreError(.busy, "locked"), StoreError(.lost, "gone")]
        let future = engine.ask([.listTubes])
        loop.run()
        engine.ended.futureResult.whenFailure { _ in }
        loop.advanceTime(by: .milliseconds(10))
        #expect(throws: StoreError.self) { try #require(answer(future)).get() }
        #expect(throws: StoreError.self) { try #require(answer(engine.ask([]))).get() }
    }

    @Test func `a manager answers a question from any task, until it has stopped`() async throws {
        let listening = AsyncStream<String>.makeStream()
        let manager = ManagerService(
            settings: ListenerSettings([try Listener("127.0.0.1:0")]),
            configuration: ManagerConfiguration(version: "7", lanes: 2),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            onListening: { listening.continuation.yield("\($0)") },
            openStore: { _, _, _ in ScriptedStore() }
        )
        await #expect(throws: StoreError.self) { try await manager.statistics() }
        let running = Task { try await manager.run() }
        for await _ in listening.stream { break }
        _ = try await manager.ask([.put(task("a"))])
        let statistics = try await manager.statistics()
        #expect(statistics.store.totalTasks == 1)
        #expect(statistics.process.host.version == "7")
        running.cancel()
        _ = await running.result
        await #expect(throws: StoreError.self) { try await manager.ask([]) }
    }
}
