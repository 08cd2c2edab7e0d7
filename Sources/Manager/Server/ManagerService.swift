public import Access
public import Logging
internal import NIOCore
internal import NIOPosix
public import ServiceLifecycle
internal import Synchronization
public import TaskStore
public import Transport

/// A task manager: accepts connections and serves them from a store.
///
/// It runs on an event loop thread of its own, or on several of them, see ``ManagerConfiguration/lanes``. Each of
/// several lanes has a share of the connections and a store of its own, and the lanes cooperate like separate managers.
/// A graceful stop (see `ServiceGroup`) closes the listening sockets, carries out the commands that have arrived, gives
/// back the claims, and leaves the store.
public final class ManagerService: Service {
    /// Opens the manager's store.
    ///
    /// Called once per lane, on the lane's event loop, with the manager's listening address, the lane's number from 0,
    /// and the time. The store is used on that event loop and nowhere else.
    public typealias StoreOpener =
        @Sendable (_ address: String, _ lane: Int, _ now: Timestamp) throws(StoreError) -> any Store

    private let settings: ListenerSettings
    private let configuration: ManagerConfiguration
    private let logger: Logger
    private let onListening: @Sendable (Listener) -> Void
    private let onStopping: @Sendable () -> Void
    private let openStore: StoreOpener
    private let activities: [LoopActivity]
    private let running = Mutex<[NIOLoopBound<Engine>]>([])

    /// Whether a stop was asked for.
    private let isStopping = Mutex(false)

    /// Makes a manager; it starts with ``run()``.
    ///
    /// - Parameters:
    ///   - settings: where to listen.
    ///   - configuration: limits and intervals.
    ///   - logger: for messages to the operator.
    ///   - onListening: called when connections are accepted, once per listener in their order. It has the port in use.
    ///   - onStopping: called when the manager has to end, at once and on another thread than the event loops. These may
    ///     be waiting for the store.
    ///   - activities: one per lane, for other threads that watch the event loops.
    ///   - openStore: opens the store.
    public init(
        settings: ListenerSettings,
        configuration: ManagerConfiguration,
        logger: Logger,
        onListening: @escaping @Sendable (Listener) -> Void,
        onStopping: @escaping @Sendable () -> Void = {},
        activities: [LoopActivity] = [],
        openStore: @escaping StoreOpener
    ) {
        self.settings = settings
        self.configuration = configuration
        self.logger = logger
        self.onListening = onListening
        self.onStopping = onStopping
        self.activities = activities
        self.openStore = openStore
    }

    /// Serves until it is stopped gracefully or cancelled.
    ///
    /// - Throws: ``ManagerError`` if it cannot listen; `StoreError` if the store cannot be opened or is lost.
    public func run() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: max(1, configuration.lanes))
        let result: Result<Void, any Error>
        do {
            try await withTaskCancellationOrGracefulShutdownHandler {
                try await serve(on: group)
            } onCancelOrGracefulShutdown: {
                self.isStopping.withLock { $0 = true }
                self.onStopping()
            }
            result = .success(())
        } catch {
            result = .failure(error)
        }
        running.withLock { $0 = [] }
        try await group.shutdownGracefully()
        try result.get()
    }

    /// Refuses new tasks from now on: every put is answered with `DRAINING`.
    public func drain() {
        logger.notice("draining: new tasks are refused")
        for engine in running.withLock({ $0 }) {
            engine.eventLoop.execute { engine.value.drain() }
        }
    }

    /// An engine that runs; `nil` if none does.
    ///
    /// All of them have the same store behind them.
    var anyEngine: NIOLoopBound<Engine>? { running.withLock { $0.first } }

    /// Takes over a tokens file that was read again.
    ///
    /// Connections of principals that are not in it any more are closed. It has no effect on a manager that was started
    /// without principals.
    public func replaceAccess(_ list: AccessList) {
        for engine in running.withLock({ $0 }) { engine.eventLoop.execute { engine.value.replaceAccess(list) } }
    }

    private func stop() {
        for engine in running.withLock({ $0 }) { engine.eventLoop.execute { engine.value.stop() } }
    }

    private func serve(on group: MultiThreadedEventLoopGroup) async throws {
        // The sockets are bound first, so that the store gets the port. Connections are accepted only when the store is
        // open.
        let listeners = try await openListeners(on: group)
        let address = listeners[0].listener.description
        var lanes: [EventLoopFuture<Void>] = []
        do {
            let possible = DescriptorLimit.raise(
                forConnections: configuration.limits.connections,
                handshakes: settings.hasTLS ? settings.handshakes.count : 0,
                logger: logger
            )
            // Connections go to the lanes in turn, so each lane gets an equal share.
            let share = DescriptorLimit.Possible(
                connections: (possible.connections + configuration.lanes - 1) / configuration.lanes,
                handshakes: (possible.handshakes + configuration.lanes - 1) / configuration.lanes
            )
            let board = LaneBoard(lanes: configuration.lanes, host: .current(version: configuration.version))
            for (number, eventLoop) in group.makeIterator().enumerated() {
                let lane = configuration.lanes > 1 ? Lane(number: number, board: board) : nil
                lanes.append(
                    try await eventLoop.submit { [self] in
                        try start(lane, share, address: address, on: eventLoop)
                    }
                    .get()
                )
            }
            for listener in listeners { try await listener.accept() }
        } catch {
            for listener in listeners { listener.close() }
            stop()
            for lane in lanes { try? await lane.get() }
            // A manager that is stopped while it starts has not failed.
            if isStopping.withLock({ $0 }) { return }
            throw error
        }
        for listener in listeners { onListening(listener.listener) }
        try await withTaskCancellationOrGracefulShutdownHandler {
            // A lane that cannot go on stops the others.
            for lane in lanes { lane.whenFailure { _ in self.stop() } }
            var failure: (any Error)?
            for lane in lanes {
                do {
                    try await lane.get()
                } catch {
                    failure = failure ?? error
                }
            }
            for listener in listeners { listener.close() }
            if let failure { throw failure }
        } onCancelOrGracefulShutdown: {
            for listener in listeners { listener.close() }
            self.stop()
        }
    }

    /// Opens a lane's store and starts its engine; called on the lane's event loop.
    ///
    /// - Parameters:
    ///   - lane: the lane, if there are several.
    ///   - possible: the most connections and handshakes of the lane.
    ///   - address: the manager's listening address.
    ///   - eventLoop: the lane's event loop.
    /// - Returns: a future that completes when the lane ends.
    /// - Throws: `StoreError` if the store cannot be opened.
    private func start(
        _ lane: Lane?,
        _ possible: DescriptorLimit.Possible,
        address: String,
        on eventLoop: any EventLoop
    ) throws -> EventLoopFuture<Void> {
        let number = lane?.number ?? 0
        let store = try openStore(address, number, Timestamp(rawValue: 0))
        var configuration = configuration
        configuration.limits.connections = possible.connections
        let engine = Engine(
            store: store,
            configuration: configuration,
            eventLoop: eventLoop,
            logger: logger,
            lane: lane,
            activity: activities.indices.contains(number) ? activities[number] : LoopActivity()
        )
        if let tls = settings.tls {
            var limits = settings.handshakes
            limits.count = possible.handshakes
            engine.acceptTLS(tls, limits)
        }
        let bound = NIOLoopBound(engine, eventLoop: eventLoop)
        running.withLock { $0.append(bound) }
        engine.start()
        return engine.ended.futureResult
    }

    private func openListeners(on group: MultiThreadedEventLoopGroup) async throws -> [OpenListener] {
        var listeners: [OpenListener] = []
        do {
            for listener in settings.listeners {
                let bootstrap = bootstrap(for: listener, on: group)
                listeners.append(try await OpenListener(listener, sockets: settings.sockets, bootstrap))
            }
        } catch {
            for listener in listeners { listener.close() }
            throw error
        }
        return listeners
    }

    private func bootstrap(for listener: Listener, on group: MultiThreadedEventLoopGroup) -> ServerBootstrap {
        let unread = configuration.limits.unreadBytes
        return ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: OpenListener.backlog)
            .serverChannelInitializer { [logger] channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(AcceptBackoff(logger: logger))
                }
            }
            .serverChannelOption(.autoRead, value: false)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelOption(.writeBufferWaterMark, value: .init(low: max(1, unread / 2), high: unread))
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let running = self.running.withLock { $0 }
                    guard let engine = running.first(where: { $0.eventLoop === channel.eventLoop }) else {
                        throw ChannelError.alreadyClosed
                    }
                    try engine.value.accept(channel, from: listener)
                }
            }
    }
}

/// The reason why a manager cannot serve; one line for a person.
public struct ManagerError: Error, Sendable, CustomStringConvertible {
    /// The line.
    public let description: String

    init(_ description: String) {
        self.description = description
    }
}
