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

        /// How long the manager may take to close the connection after it was told that nothing more comes.
        var longestLeave = Duration.seconds(3)
    }

    /// Where the manager is.
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

    /// Asks once whether the manager takes puts with keys.
    ///
    /// An old server would read the body of a `put-unique` as commands, so the way to ask is another command that came
    /// with it and that does nothing: to clear a tube that there is not.
    ///
    /// - Throws: ``ClientError`` where the connection was lost or the task is cancelled.
    func takesKeys() async throws(ClientError) -> Bool {
        if let known = knowsKeys.withLock({ $0 }) { return known }
        let question = Command.clearTube(RandomName.tube(), .buried)
        let answer = try await send([question]).endingUnlessCancelled().reply(at: 0)
        // A manager that has as many connections as it may have says so whatever it was asked, and closes.
        if answer == .outOfMemory {
            throw ClientError(.connectionLost, "the manager has no room (OUT_OF_MEMORY)", address: address)
        }
        let isKnown = answer != .unknownCommand
        knowsKeys.withLock { $0 = isKnown }
        return isKnown
    }

    /// Closes at once, and what had no answer ends with this error.
    ///
    /// The manager puts the tasks claimed through it back into the queue, unless they belong to a named session.
    func close(_ error: ClientError) {
        let handler = handler
        channel.eventLoop.execute {
            handler.value.end(error)
        }
    }

    /// Takes leave: what had no answer ends with this error, and what the session holds goes back into the queue.
    ///
    /// The connection is closed when the manager has closed its end, or some seconds later.
    func leave(_ error: ClientError) {
        let handler = handler
        channel.eventLoop.execute {
            handler.value.leave(error)
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
