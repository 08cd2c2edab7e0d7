import BeanrowClient
import BeanstalkWire
import NIOCore
import NIOPosix

/// A server in this process that answers over a real socket as the test decides.
final class FakeManager: Sendable {
    /// An event at the server.
    enum Event: Sendable, Equatable {
        case connected(Int)
        case command(Int, Command)

        /// A command that beanstalkd does not have.
        case unknown(Int, Verb)
        case quit(Int)
        case closed(Int)
    }

    /// How the server reacts to a command.
    enum Reaction: Sendable, Equatable {
        case answer(Reply)
        case silence
        case hangUp
    }

    /// Decides about a command.
    ///
    /// The first argument is the number of the connection, from 0.
    typealias Script = @Sendable (Int, Command) -> Reaction

    let address: ManagerAddress
    let journal: Journal<Event>

    private let listener: any Channel
    private let connections: FakeManagerConnections

    private init(listener: any Channel, journal: Journal<Event>, connections: FakeManagerConnections) {
        self.listener = listener
        self.journal = journal
        self.connections = connections
        self.address = ManagerAddress(
            host: listener.localAddress?.ipAddress ?? "",
            port: listener.localAddress?.port ?? 0
        )
    }

    /// Starts managers over one queue, which releases the tasks of a closed connection that has no session.
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
    ///   - queue: the queue.
    ///   - first: the number of its first connection in the queue.
    ///   - address: the address to listen at, which another one has used before. `nil` for a new address.
    ///   - instead: returns another reaction to a command, or `nil` for that of the queue.
    /// - Returns: the manager.
    /// - Throws: an error if it cannot listen.
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
    ///   - address: the address to listen at, which another one has used before. `nil` for a new address.
    ///   - isBeanstalkd: whether it refuses commands that beanstalkd does not know, without calling the script.
    ///   - quit: called when a connection sends `quit`.
    ///   - closed: called when a connection is closed.
    ///   - script: decides about all other commands.
    /// - Returns: the server.
    /// - Throws: an error if it cannot listen.
    static func start(
        at address: ManagerAddress? = nil,
        isBeanstalkd: Bool = true,
        quit: @escaping @Sendable (Int) -> Void = { _ in },
        closed: @escaping @Sendable (Int) -> Void = { _ in },
        _ script: @escaping Script
    ) async throws -> FakeManager {
        let journal = Journal<Event>()
        let connections = FakeManagerConnections()
        let place: NetworkAddress? = if case .network(let used)? = address { used } else { nil }
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
            .bind(host: place?.host ?? LoopbackAddress.next(), port: place?.port ?? 0)
            .get()
        return FakeManager(listener: listener, journal: journal, connections: connections)
    }

    /// The commands seen so far, of all connections.
    var commands: [Command] {
        journal.events.compactMap { if case .command(_, let command) = $0 { command } else { nil } }
    }

    /// Sends a reply to an earlier command.
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
        return FakeManager(listener: listener, journal: journal, connections: FakeManagerConnections())
    }

    /// Returns an address at which no process listens, or has listened before.
    ///
    /// A port that was just closed may still be open in a process that another test is about to start.
    static func deadAddress() -> ManagerAddress {
        ManagerAddress(host: LoopbackAddress.next(), port: 11_399)
    }
}
