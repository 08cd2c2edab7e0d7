public import Logging
internal import NIOCore
internal import NIOPosix
public import ServiceLifecycle
internal import Synchronization
public import TaskStore

/// A task manager: accepts connections and serves them out of a store.
///
/// It runs on one event loop thread of its own. Stopping it gracefully (see `ServiceGroup`) closes the listening socket,
/// carries out what clients have sent, gives their claims back, and leaves the store.
public final class ManagerService: Service {
    /// Opens the manager's store.
    ///
    /// Called once, on the manager's event loop, with the address that the manager listens on and the time. The store is
    /// used on that event loop and nowhere else.
    public typealias StoreOpener = @Sendable (_ address: String, _ now: Timestamp) throws(StoreError) -> any Store

    private let host: String
    private let port: Int
    private let configuration: ManagerConfiguration
    private let logger: Logger
    private let onListening: @Sendable (_ address: String) -> Void
    private let openStore: StoreOpener
    private let running = Mutex<NIOLoopBound<Engine>?>(nil)

    /// Makes a manager that does nothing yet.
    ///
    /// - Parameters:
    ///   - host: the address to listen on.
    ///   - port: the port to listen on; 0 picks a free one.
    ///   - configuration: limits and intervals.
    ///   - logger: for what an operator should know.
    ///   - onListening: called once connections are accepted, with the address and the port in use.
    ///   - openStore: opens the store.
    public init(
        host: String,
        port: Int,
        configuration: ManagerConfiguration,
        logger: Logger,
        onListening: @escaping @Sendable (_ address: String) -> Void,
        openStore: @escaping StoreOpener
    ) {
        self.host = host
        self.port = port
        self.configuration = configuration
        self.logger = logger
        self.onListening = onListening
        self.openStore = openStore
    }

    /// Serves until it is stopped gracefully or cancelled.
    ///
    /// - Throws: ``ManagerError`` where it cannot listen; `StoreError` where the store cannot be opened or is lost.
    public func run() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let result: Result<Void, any Error>
        do {
            try await serve(on: group.next())
            result = .success(())
        } catch {
            result = .failure(error)
        }
        running.withLock { $0 = nil }
        try await group.shutdownGracefully()
        try result.get()
    }

    /// Takes no new tasks from now on: every put is answered with `DRAINING`.
    public func drain() {
        running.withLock { $0 }
            .map { engine in
                engine.eventLoop.execute {
                    engine.value.table.isDraining = true
                    engine.value.logger.notice("draining: no new tasks are taken")
                }
            }
    }

    private func serve(on eventLoop: any EventLoop) async throws {
        // Bound first, so that the store is told the port, but accepting only once the store is open.
        let listener = try await listen(on: eventLoop)
        let address = listener.localAddress.map(Self.describe) ?? "\(host):\(port)"
        let ended: EventLoopFuture<Void>
        do {
            ended =
                try await eventLoop.submit { [self] in
                    try start(listener, address: address, on: eventLoop)
                }
                .get()
        } catch {
            try? await listener.close()
            throw error
        }
        onListening(address)
        try await withTaskCancellationOrGracefulShutdownHandler {
            try await ended.get()
        } onCancelOrGracefulShutdown: {
            listener.close(promise: nil)
            self.running.withLock { $0 }.map { engine in eventLoop.execute { engine.value.stop() } }
        }
    }

    /// Opens the store and begins to accept; on the event loop.
    private func start(
        _ listener: any Channel,
        address: String,
        on eventLoop: any EventLoop
    ) throws -> EventLoopFuture<Void> {
        let store = try openStore(address, Timestamp(rawValue: SteadyClock.wallMilliseconds()))
        var configuration = configuration
        configuration.limits.connections = DescriptorLimit.raise(
            forConnections: configuration.limits.connections,
            logger: logger
        )
        let engine = Engine(store: store, configuration: configuration, eventLoop: eventLoop, logger: logger)
        let bound = NIOLoopBound(engine, eventLoop: eventLoop)
        running.withLock { $0 = bound }
        engine.start()
        listener.setOption(.autoRead, value: true)
            .whenFailure { error in
                bound.value.logger.error("cannot accept connections", metadata: ["reason": "\(error)"])
            }
        return engine.ended.futureResult
    }

    private func listen(on eventLoop: any EventLoop) async throws -> any Channel {
        let unread = configuration.limits.unreadBytes
        do {
            return try await ServerBootstrap(group: eventLoop)
                .serverChannelOption(.backlog, value: 1024)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .serverChannelOption(.autoRead, value: false)
                .childChannelOption(.allowRemoteHalfClosure, value: true)
                .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
                .childChannelOption(.socketOption(.so_keepalive), value: 1)
                .childChannelOption(.writeBufferWaterMark, value: .init(low: max(1, unread / 2), high: unread))
                .childChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        guard let engine = self.running.withLock({ $0 })?.value else {
                            throw ChannelError.alreadyClosed
                        }
                        try engine.admit(channel)
                    }
                }
                .bind(host: host, port: port)
                .get()
        } catch {
            throw ManagerError("cannot listen on \(host):\(port): \(Self.describe(error))")
        }
    }

    private static func describe(_ address: SocketAddress) -> String {
        let host = address.ipAddress ?? "localhost"
        return host.contains(":") ? "[\(host)]:\(address.port ?? 0)" : "\(host):\(address.port ?? 0)"
    }

    private static func describe(_ error: any Error) -> String {
        switch error {
        case let error as IOError where error.errnoCode == EADDRINUSE: "the port is in use"
        case let error as IOError where error.errnoCode == EADDRNOTAVAIL: "this machine has no such address"
        case let error as IOError where error.errnoCode == EACCES: "no permission"
        case is SocketAddressError: "no such host"
        default: "\(error)"
        }
    }
}

/// Why a manager cannot serve; one line for a person.
public struct ManagerError: Error, Sendable, CustomStringConvertible {
    /// The line.
    public let description: String

    init(_ description: String) {
        self.description = description
    }
}
