internal import BeanstalkWire
internal import NIOCore
internal import NIOPosix
internal import Synchronization

/// One TCP connection to a manager.
///
/// Requests are sent in the order of ``send(_:needs:)`` without waiting for each other's answers. Once the connection
/// is lost it stays lost: every request that has no answer ends with an error that says whether it was sent.
final class ManagerConnection: Sendable {
    /// What one connection may take.
    struct Limits: Sendable {
        /// The most commands in flight; further ones wait their turn in the client.
        var commandsInFlight = 1024

        /// How long the manager may take for an answer, beyond what a command itself says.
        var requestTimeout = Duration.seconds(30)
    }

    /// Where the manager is.
    let address: ManagerAddress

    private let channel: any Channel
    private let handler: NIOLoopBound<ConnectionHandler>
    private let nextID = Atomic<Int>(0)

    private init(channel: any Channel, handler: NIOLoopBound<ConnectionHandler>, address: ManagerAddress) {
        self.channel = channel
        self.handler = handler
        self.address = address
    }

    /// Connects.
    ///
    /// - Parameters:
    ///   - address: where to.
    ///   - eventLoop: where the connection lives from then on.
    ///   - timeout: how long to try.
    ///   - limits: what the connection may take.
    /// - Returns: the connection, or the error of NIO.
    static func connect(
        to address: ManagerAddress,
        on eventLoop: any EventLoop,
        timeout: Duration,
        limits: Limits
    ) -> EventLoopFuture<ManagerConnection> {
        ClientBootstrap(group: eventLoop)
            .connectTimeout(TimeAmount(timeout))
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.socketOption(.so_keepalive), value: 1)
            .connect(host: address.host, port: address.port)
            .flatMap { channel in install(in: channel, address: address, limits: limits) }
    }

    private static func install(
        in channel: any Channel,
        address: ManagerAddress,
        limits: Limits
    ) -> EventLoopFuture<ManagerConnection> {
        channel.eventLoop.makeCompletedFuture {
            let handler = ConnectionHandler(address: address, limits: limits)
            try channel.pipeline.syncOperations.addHandler(handler)
            return ManagerConnection(
                channel: channel,
                handler: NIOLoopBound(handler, eventLoop: channel.eventLoop),
                address: address
            )
        }
    }

    /// Whether requests can be sent; another thread may see the end of it at any moment.
    var isOpen: Bool { channel.isActive }

    /// Sends some commands together, after those sent before.
    ///
    /// - Parameters:
    ///   - commands: what to send; not empty. They are in flight together or not at all.
    ///   - needs: what the connection is set to before, if it is not already.
    /// - Returns: the request, to be awaited.
    func send(_ commands: [Command], needs: ConnectionNeeds = .none) -> PendingRequest {
        let promise = channel.eventLoop.makePromise(of: RequestEnding.self)
        let id = nextID.wrappingAdd(1, ordering: .relaxed).newValue
        let request = ConnectionHandler.Pipeline.Request(id: id, commands: commands, needs: needs, sink: promise)
        let handler = handler
        channel.eventLoop.execute {
            handler.value.submit(request)
        }
        return PendingRequest(future: promise.futureResult) {
            handler.eventLoop.execute { handler.value.cancel(id) }
        }
    }

    /// Closes at once, and what had no answer ends with this error.
    ///
    /// The manager puts the tasks claimed through it back into the queue.
    func close(_ error: ClientError) {
        let handler = handler
        channel.eventLoop.execute {
            handler.value.end(error)
        }
    }

    /// Has something done when the connection ends, before its requests hear of it; at once if it has ended.
    ///
    /// To be called on the connection's event loop, where `body` runs too.
    func whenEnded(_ body: @escaping @Sendable () -> Void) {
        handler.value.whenEnded(body)
    }

    /// Done when the connection is closed.
    var closed: EventLoopFuture<Void> { channel.closeFuture }
}
