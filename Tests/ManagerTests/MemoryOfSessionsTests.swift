import BeanstalkWire
import Logging
import NIOCore
import NIOEmbedded
import TaskStore
import Testing

@testable import Manager
@testable import StoreTesting

/// What the budget counts for sessions, and what is refused if there is too much of it.
@Suite final class MemoryOfSessionsTests {
    private let loop = EmbeddedEventLoop()
    private let engine: Engine

    /// The budget has room for some thousand claims and for some two hundred watched tubes.
    private static let limit = 4 << 20

    init() {
        let store = MemoryStore(MemoryQueue(), ManagerID(rawValue: 1), "one")
        engine = Engine(
            store: store,
            configuration: ManagerConfiguration(maximumTaskSize: 1000, version: "0", maximumMemory: Self.limit),
            eventLoop: loop,
            logger: .init(label: "test")
        )
    }

    deinit {
        engine.ended.succeed()
    }

    private func connect() throws -> EmbeddedChannel {
        let channel = EmbeddedChannel(loop: loop)
        try channel.pipeline.syncOperations.addHandler(
            ConnectionHandler(engine: engine, answerPath: .socket, origin: ConnectionOrigin(address: "test"))
        )
        channel.connect(to: try SocketAddress(ipAddress: "127.0.0.1", port: 1), promise: nil)
        loop.run()
        return channel
    }

    /// Sends commands, and returns the first words of the answers.
    private func ask(_ channel: EmbeddedChannel, _ text: String) throws -> [String: Int] {
        try channel.writeInbound(ByteBuffer(string: text))
        settle()
        var words: [String: Int] = [:]
        while let buffer = try channel.readOutbound(as: ByteBuffer.self) {
            for line in String(buffer: buffer).split(separator: "\r\n") {
                words[String(line.prefix { $0 != " " }), default: 0] += 1
            }
        }
        return words
    }

    /// Runs everything that is to be done now or soon.
    private func settle() {
        loop.run()
        while engine.table.hasWork { loop.advanceTime(by: .milliseconds(20)) }
    }

    private func put(_ count: Int, timeToRun: Int = 600) throws {
        let producer = try connect()
        let puts = String(repeating: "put 0 0 \(timeToRun) 0\r\n\r\n", count: count)
        #expect(try ask(producer, puts) == ["INSERTED": count])
        try producer.close().wait()
        loop.run()
    }

    @Test func `claims are counted, refused if there are too many, and free again when they end`() throws {
        try put(5_000)
        let (greedy, polite) = (try connect(), try connect())
        let most = engine.memory.claimsLeft
        let reserves = String(repeating: "reserve-with-timeout 0\r\n", count: 4_000)
        let words = try ask(greedy, reserves)
        let held = words["RESERVED"] ?? 0
        #expect(words["OUT_OF_MEMORY"] == 4_000 - held)
        #expect((most / 10 * 9...most + MemoryBudget.claimsAllowed).contains(held), "\(held) of \(most)")
        #expect(engine.memory.held.claims == (held - MemoryBudget.claimsAllowed) * MemoryBudget.bytesOfClaim)
        #expect(engine.memory.total <= Self.limit)
        // Another client can still reserve, the same one cannot.
        #expect(try ask(polite, "reserve\r\n") == ["RESERVED": 1])
        #expect(try ask(greedy, "reserve-job 5000\r\nreserve\r\n") == ["OUT_OF_MEMORY": 2])
        try #require(held > 0)
        let deletes = (1...held).map { "delete \($0)\r\n" }.joined()
        #expect(try ask(greedy, deletes) == ["DELETED": held])
        #expect(engine.memory.held.claims == 0)
        #expect(try ask(greedy, "reserve\r\n") == ["RESERVED": 1])
    }

    @Test func `claims of a client that leaves are not counted any more`() throws {
        try put(500)
        let client = try connect()
        #expect(try ask(client, String(repeating: "reserve\r\n", count: 500)) == ["RESERVED": 500])
        #expect(engine.memory.held.claims > 0)
        try client.close().wait()
        settle()
        #expect(engine.memory.total == 0)
    }

    @Test func `claims whose time is over are not counted any more`() throws {
        try put(500, timeToRun: 1)
        let client = try connect()
        #expect(try ask(client, String(repeating: "reserve\r\n", count: 500)) == ["RESERVED": 500])
        #expect(engine.memory.held.claims > 0)
        // The engine's clock is the machine's. Each pass looks whether a second is over.
        let end = ContinuousClock.now + .seconds(60)
        while engine.memory.held.claims > 0, .now < end {
            engine.scheduleTurn()
            loop.advanceTime(by: .milliseconds(20))
        }
        #expect(engine.memory.total == 0)
    }

    @Test func `a reserve behind the delete that makes room for it is carried out`() {
        let script = SessionScript()
        let session = script.connect()
        script.store = { operation in
            guard case .claim(_, let count, _) = operation.action else { return nil }
            defer { script.lastClaimed += Int64(count) }
            return .claimed((0..<count).map { script.task(script.lastClaimed + Int64($0) + 1) })
        }
        script.table.sessions.claimsLeft = 0
        for _ in 1...MemoryBudget.claimsAllowed { script.send(.reserve, from: session) }
        #expect(script.replies(to: session).count == MemoryBudget.claimsAllowed)
        script.send(.reserve, .store(.delete, .delete(TaskID(rawValue: 1))), .reserve, .reserve, from: session)
        let reserved = Reply.reserved(TaskID(rawValue: 5), body: [])
        #expect(script.replies(to: session) == [.outOfMemory, .deleted, reserved, .outOfMemory])
    }

    @Test func `watched tubes are counted, and refused if there are too many`() throws {
        let (greedy, polite) = (try connect(), try connect())
        let words = try ask(greedy, (1...400).map { "watch tube-\($0)\r\n" }.joined())
        let watched = words["WATCHING"] ?? 0
        #expect(words["OUT_OF_MEMORY"] == 400 - watched)
        #expect((200...256).contains(watched), "\(watched)")
        #expect(engine.memory.held.watches == (watched + 1 - MemoryBudget.watchesAllowed) * MemoryBudget.bytesOfWatch)
        #expect(try ask(polite, "watch mine\r\nignore default\r\n") == ["WATCHING": 2])
        _ = try ask(greedy, (1...400).map { "ignore tube-\($0)\r\n" }.joined())
        #expect(engine.memory.total == 0)
    }

    /// Keeps the promises of writes, like a socket that takes no bytes.
    private final class FullSocket: ChannelOutboundHandler {
        typealias OutboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private var promises: [EventLoopPromise<Void>?] = []
        private var isFull = true
        private(set) var writes = 0

        func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
            writes += 1
            if isFull { promises.append(promise) } else { promise?.succeed() }
        }

        func takeAll() {
            isFull = false
            for promise in promises { promise?.succeed() }
        }
    }

    @Test func `many short unread answers count as the memory that they take, and stop the client`() throws {
        let socket = FullSocket()
        let client = EmbeddedChannel(loop: loop)
        try client.pipeline.syncOperations.addHandler(socket)
        try client.pipeline.syncOperations.addHandler(
            ConnectionHandler(engine: engine, answerPath: .pipeline, origin: ConnectionOrigin(address: "test"))
        )
        client.connect(to: try SocketAddress(ipAddress: "127.0.0.1", port: 1), promise: nil)
        for _ in 1...300 {
            try client.writeInbound(ByteBuffer(string: "list-tube-used\r\n"))
            settle()
        }
        let most = engine.configuration.limits.unreadBytes / AnswerWriter.overhead
        #expect(socket.writes == most + 1)
        #expect(engine.memory.held.unread >= most * AnswerWriter.overhead - MemoryBudget.unreadAllowed)
        socket.takeAll()
        settle()
        #expect(engine.memory.total == 0)
        #expect(engine.table.sessions.ready.isEmpty && socket.writes < 300, "the others leave together")
    }

    @Test func `the room of commands that were carried out is released`() throws {
        let client = try connect()
        let name = TubeName.default
        // Two thousand commands arrive, of which all but the last two are carried out.
        try client.writeInbound(
            ByteBuffer(string: String(repeating: "use \(name)\r\n", count: 2_000) + "reserve\r\nuse \(name)\r\n")
        )
        settle()
        let session = try #require(engine.table.sessions.waiters.sessions.unserved(after: 0, atMost: 1).sessions.first)
        #expect(session.queue.count == 1)
        #expect(session.queue.room <= 32, "\(session.queue.room)")
    }

    @Test func `a client that cannot be stopped is closed when it has sent too much`() throws {
        let (client, polite) = (try connect(), try connect())
        let commands = ByteBuffer(string: String(repeating: "list-tube-used\r\n", count: 2_000))
        try client.writeInbound(ByteBuffer(string: "reserve\r\n"))
        settle()
        var pieces = 0
        // As if the client had closed its side: everything is read, although reading has stopped.
        while client.isActive, pieces < 1000 {
            try client.writeInbound(commands)
            pieces += 1
        }
        #expect((4..<100).contains(pieces), "\(pieces)")
        settle()
        #expect(engine.memory.total == 0)
        #expect(try ask(polite, "list-tube-used\r\n") == ["USING": 1])
    }

    @Test func `a connection that waits and has sent too much is not asked after each turn`() throws {
        let waiting = try (1...20).map { _ in try connect() }
        for client in waiting {
            let questions = String(repeating: "list-tube-used\r\n", count: 3_000)
            try client.writeInbound(ByteBuffer(string: "reserve\r\n" + questions))
        }
        settle()
        #expect(engine.suspended.isEmpty)
        let producer = try connect()
        #expect(try ask(producer, "put 0 0 60 0\r\n\r\n") == ["INSERTED": 1])
        settle()
        // The first one got the task, and then everything that it had sent was read and carried out.
        let answers = try ask(waiting[0], "")
        #expect(answers == ["RESERVED": 1, "USING": 3_000])
        #expect(engine.suspended.isEmpty)
    }
}
