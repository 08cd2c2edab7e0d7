import BeanrowClient
import BeanstalkWire
import NIOCore
import NIOPosix
import Synchronization

/// A server in this process that answers as the test says, over a real socket.
final class FakeManager: Sendable {
    /// What the server saw.
    enum Event: Sendable, Equatable {
        case connected(Int)
        case command(Int, Command)

        /// A command that beanstalkd does not have.
        case unknown(Int, Verb)
        case quit(Int)
        case closed(Int)
    }

    /// What the server does about a command.
    enum Reaction: Sendable, Equatable {
        case answer(Reply)
        case silence
        case hangUp
    }

    /// Decides about a command; gets the connection's number, from 0.
    typealias Script = @Sendable (Int, Command) -> Reaction

    let address: ManagerAddress
    let journal: Journal<Event>

    private let listener: any Channel
    private let connections: Connections

    private init(listener: any Channel, journal: Journal<Event>, connections: Connections) {
        self.listener = listener
        self.journal = journal
        self.connections = connections
        self.address = ManagerAddress(
            host: listener.localAddress?.ipAddress ?? "",
            port: listener.localAddress?.port ?? 0
        )
    }

    /// Starts managers over one queue, which gives back what a connection without a session held when that is closed.
    static func start(_ count: Int, over queue: FakeQueue) async throws -> [FakeManager] {
        var managers: [FakeManager] = []
        for index in 0..<count {
            managers.append(try await start(over: queue, first: 10_000 * index))
        }
        return managers
    }

    /// Starts a manager over a queue.
    ///
    /// - Parameters:
    ///   - queue: what it answers from.
    ///   - first: what its connections' numbers begin with at the queue.
    ///   - address: where to listen, which is where another one has listened before; none for an address of its own.
    ///   - instead: what to do about a command instead, where that is something else; gets the connection's number.
    /// - Returns: the manager.
    /// - Throws: where it cannot listen.
    static func start(
        over queue: FakeQueue,
        first: Int = 0,
        at address: ManagerAddress? = nil,
        instead: @escaping @Sendable (Int, Command) -> Reaction? = { _, _ in nil }
    ) async throws -> FakeManager {
        try await start(
            at: address,
            isBeanstalkd: false,
            quit: { queue.quit(first + $0) },
            closed: { queue.lose(first + $0) },
            { instead($0, $1) ?? queue.react(first + $0, $1) }
        )
    }

    /// Starts a server on a free port, or on one that was free a moment ago.
    ///
    /// - Parameters:
    ///   - address: where to listen, which is where another one has listened before; none for an address of its own.
    ///   - isBeanstalkd: whether it refuses what beanstalkd does not know, without asking the script.
    ///   - quit: what else to do when a connection takes leave.
    ///   - closed: what else to do when a connection is closed.
    ///   - script: what to do about all other commands.
    /// - Returns: the server.
    /// - Throws: where it cannot listen.
    static func start(
        at address: ManagerAddress? = nil,
        isBeanstalkd: Bool = true,
        quit: @escaping @Sendable (Int) -> Void = { _ in },
        closed: @escaping @Sendable (Int) -> Void = { _ in },
        _ script: @escaping Script
    ) async throws -> FakeManager {
        let journal = Journal<Event>()
        let connections = Connections()
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let number = connections.add(channel)
                    let handler = FakeManagerHandler(
                        number: number,
                        journal: journal,
                        isBeanstalkd: isBeanstalkd,
                        quit: quit,
                        closed: closed,
                        script: script
                    )
                    try channel.pipeline.syncOperations.addHandler(handler)
                }
            }
            .bind(host: address?.host ?? LoopbackAddress.next(), port: address?.port ?? 0)
            .get()
        return FakeManager(listener: listener, journal: journal, connections: connections)
    }

    /// The commands seen so far, of all connections.
    var commands: [Command] {
        journal.events.compactMap { if case .command(_, let command) = $0 { command } else { nil } }
    }

    /// Sends a reply that was held back.
    func send(_ reply: Reply, to connection: Int) async throws {
        let channel = connections.all[connection]
        var buffer = ByteBuffer()
        buffer.writeReply(reply)
        try await channel.writeAndFlush(buffer)
    }

    /// Closes a connection from the server's side.
    func hangUp(_ connection: Int) async throws {
        try await connections.all[connection].close()
    }

    /// Stops listening; connections stay.
    func close() async throws {
        try await listener.close()
    }

    /// Stops listening and closes everything, as a killed process would.
    func stop() async throws {
        try? await listener.close()
        for channel in connections.all {
            try? await channel.close()
        }
    }

    /// Starts a server that closes every connection as soon as it is made.
    static func startClosing() async throws -> FakeManager {
        let journal = Journal<Event>()
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { $0.close() }
            .bind(host: LoopbackAddress.next(), port: 0)
            .get()
        return FakeManager(listener: listener, journal: journal, connections: Connections())
    }

    /// An address nobody listens at, or ever has: a port that was just closed may still be open in a process that another
    /// test is about to start.
    static func deadAddress() -> ManagerAddress {
        ManagerAddress(host: LoopbackAddress.next(), port: 11_399)
    }
}

/// The channels of a fake manager, by number.
final class Connections: Sendable {
    private let channels = Mutex<[any Channel]>([])

    var all: [any Channel] { channels.withLock { $0 } }

    func add(_ channel: any Channel) -> Int {
        channels.withLock { channels in
            channels.append(channel)
            return channels.count - 1
        }
    }
}

private final class FakeManagerHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let number: Int
    private let journal: Journal<FakeManager.Event>
    private let isBeanstalkd: Bool
    private let quit: @Sendable (Int) -> Void
    private let closed: @Sendable (Int) -> Void
    private let script: FakeManager.Script
    private var requests = NIOSingleStepByteToMessageProcessor(CommandDecoder(maximumBodySize: 65_535))

    init(
        number: Int,
        journal: Journal<FakeManager.Event>,
        isBeanstalkd: Bool,
        quit: @escaping @Sendable (Int) -> Void,
        closed: @escaping @Sendable (Int) -> Void,
        script: @escaping FakeManager.Script
    ) {
        self.isBeanstalkd = isBeanstalkd
        self.quit = quit
        self.closed = closed
        self.number = number
        self.journal = journal
        self.script = script
    }

    private static let extensions: Set<Verb> = [.session, .putUnique, .clearTube]

    func channelActive(context: ChannelHandlerContext) {
        journal.append(.connected(number))
    }

    func channelInactive(context: ChannelHandlerContext) {
        closed(number)
        journal.append(.closed(number))
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var answers = ByteBuffer()
        var hangsUp = false
        try? requests.process(buffer: unwrapInboundIn(data)) { request in
            guard !hangsUp else { return }
            switch request {
            case .refused(let reply, _):
                answers.writeReply(reply)
            case .command(.quit):
                quit(number)
                journal.append(.quit(number))
                hangsUp = true
            case .command(let command) where isBeanstalkd && Self.extensions.contains(command.verb):
                journal.append(.unknown(number, command.verb))
                answers.writeReply(.unknownCommand)
            case .command(let command):
                journal.append(.command(number, command))
                switch script(number, command) {
                case .answer(let reply): answers.writeReply(reply)
                case .silence: break
                case .hangUp: hangsUp = true
                }
            }
        }
        context.writeAndFlush(wrapOutboundOut(answers), promise: nil)
        if hangsUp { context.close(promise: nil) }
    }
}

/// Addresses of this machine, each given out once.
///
/// All of 127.0.0.0/8 leads here. With an address of its own, a server that has stopped is not mistaken for one that
/// another test has started on the port that became free.
enum LoopbackAddress {
    private static let last = Mutex(0)

    static func next() -> String {
        let number = last.withLock { last in
            last += 1
            return last
        }
        return "127.\(64 + number / 62_500).\(number / 250 % 250).\(number % 250 + 1)"
    }
}
