internal import BeanstalkWire
internal import NIOCore
internal import NIOPosix
internal import Synchronization
internal import TaskStore
internal import Transport

/// One connection to a manager, over TCP, TLS or a unix socket.
///
/// Requests are sent in the order of ``send(_:requiring:)``, without waiting for the answers of earlier ones. A lost
/// connection is never reopened. Each request without an answer ends with an error that says whether it was sent.
final class ManagerConnection: Sendable {
    /// The limits of one connection.
    struct Limits: Sendable {
        /// The most commands in flight.
        ///
        /// More commands wait in the client.
        var commandsInFlight = 1024

        /// How long the manager may take to answer, without the time that a reserve asks it to wait.
        var requestTimeout = Duration.seconds(30)

        /// How long the manager may take to close the connection after `quit`.
        var quitTimeout = Duration.seconds(3)
    }

    /// The address of the manager.
    let address: ManagerAddress

    private let channel: any Channel
    private let handler: NIOLoopBound<ConnectionHandler>
    private let nextID = Atomic<Int>(0)
    private let knowsKeys = Mutex<Bool?>(nil)

    private init(channel: any Channel, handler: NIOLoopBound<ConnectionHandler>, address: ManagerAddress) {
        self.channel = channel
        self.handler = handler
        self.address = address
    }

    /// Connects.
    ///
    /// - Parameters:
    ///   - address: the address of the manager.
    ///   - eventLoop: runs the connection.
    ///   - timeout: the longest time to connect.
    ///   - limits: the limits of the connection.
    ///   - tls: the certificates, if the address has TLS.
    ///   - token: the token to send first; `nil` for none.
    /// - Returns: the connection, or ``ClientError`` or the error of SwiftNIO or of TLS.
    static func connect(
        to address: ManagerAddress,
        on eventLoop: any EventLoop,
        timeout: Duration,
        limits: Limits,
        tls: ClientTLS?,
        token: AccessToken?
    ) -> EventLoopFuture<ManagerConnection> {
        let bootstrap = ClientBootstrap(group: eventLoop).connectTimeout(TimeAmount(timeout))
        let channel: EventLoopFuture<any Channel>
        switch address {
        case .network(let address):
            channel = overNetwork(bootstrap).connect(host: address.host, port: address.port)
        case .tls(let address):
            guard let tls else { return eventLoop.makeFailedFuture(TransportError("TLS is not set up")) }
            let deadline = NIODeadline.now() + TimeAmount(timeout)
            channel = overNetwork(bootstrap)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture { try tls.install(in: channel, host: address.host) }
                }
                .connect(host: address.host, port: address.port)
                .flatMap { channel in
                    ClientTLS.handshake(of: channel, timeout: deadline - .now()).map { channel }
                }
        case .unix(let path):
            channel = bootstrap.connect(unixDomainSocketPath: path.path)
        }
        return
            channel
            .flatMap { channel in install(in: channel, address: address, limits: limits) }
            .flatMap { connection in connection.authenticated(with: token) }
    }

    private static func overNetwork(_ bootstrap: ClientBootstrap) -> ClientBootstrap {
        bootstrap
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.socketOption(.so_keepalive), value: 1)
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

    /// Whether requests can be sent.
    ///
    /// The connection may end at any moment.
    var isOpen: Bool { channel.isActive }

    /// Sends some commands together, after those that were sent before.
    ///
    /// - Parameters:
    ///   - commands: the commands; not empty. All of them are sent, or none.
    ///   - state: the state that the connection must be in.
    /// - Returns: the request, whose result can be awaited.
    func send(_ commands: [Command], requiring state: ChannelState = .any) -> PendingRequest {
        let promise = channel.eventLoop.makePromise(of: RequestResult.self)
        let id = nextID.wrappingAdd(1, ordering: .relaxed).newValue
        let request = ConnectionHandler.Pipeline.Request(id: id, commands: commands, state: state, promise: promise)
        let handler = handler
        channel.eventLoop.execute {
            handler.value.submit(request)
        }
        return PendingRequest(future: promise.futureResult) {
            handler.eventLoop.execute { handler.value.cancel(id) }
        }
    }

    /// Returns whether the manager accepts puts with keys.
    ///
    /// It is asked once per connection.
    ///
    /// A server that does not know `put-unique` would read its body as commands. So the question is a `clear-tube` for
    /// a random tube: servers that know one of the commands know both, and it has no effect.
    ///
    /// - Throws: ``ClientError`` if the connection was lost or the calling task is cancelled.
    func takesKeys() async throws(ClientError) -> Bool {
        if let known = knowsKeys.withLock({ $0 }) { return known }
        let question = Command.clearTube(RandomName.tube(), .buried)
        let answer = try await send([question]).resultUnlessCancelled().reply(at: 0)
        // A manager that has reached its limit of connections answers this to any command, and closes.
        if answer == .outOfMemory {
            throw ClientError(.connectionLost, "the manager has no room (OUT_OF_MEMORY)", address: address)
        }
        let isKnown = answer != .unknownCommand
        knowsKeys.withLock { $0 = isKnown }
        return isKnown
    }

    /// Closes the connection at once.
    ///
    /// Requests without an answer end with this error.
    ///
    /// The manager releases the tasks that the connection has claimed, unless they belong to a named session.
    func close(_ error: ClientError) {
        let handler = handler
        channel.eventLoop.execute {
            handler.value.end(error)
        }
    }

    /// Sends `quit`.
    ///
    /// Requests without an answer end with this error, and the manager releases the session's claims.
    ///
    /// The connection is closed when the manager has closed its end, or after ``Limits/quitTimeout``.
    func quit(_ error: ClientError) {
        let handler = handler
        channel.eventLoop.execute {
            handler.value.quit(error)
        }
    }

    /// Calls a function when the connection ends, before its requests get their results.
    ///
    /// Calls it now if it has ended.
    ///
    /// Call this on the connection's event loop. `body` runs there too.
    func whenEnded(_ body: @escaping @Sendable () -> Void) {
        handler.value.whenEnded(body)
    }

    /// Succeeds when the connection is closed.
    var closed: EventLoopFuture<Void> { channel.closeFuture }
}
