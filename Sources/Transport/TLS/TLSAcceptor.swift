public import NIOCore
internal import NIOSSL
public import TaskStore

/// The handshakes of TLS connections that one event loop has accepted.
///
/// They are bounded in number, time and bytes (``HandshakeLimits``), and only a few steps are done before the event loop
/// serves its other connections. Confined to the event loop.
public final class TLSAcceptor {
    /// Makes a channel a connection: adds its last handlers.
    public typealias Secured = (_ identity: PeerIdentity, _ connection: TLSConnection) throws -> Void

    let limits: HandshakeLimits

    private let tls: ServerTLS
    private let eventLoop: any EventLoop
    private let report: (HandshakeFailure, _ channel: any Channel) -> Void
    private var queue: HandshakeQueue<ObjectIdentifier>
    private var handshakes: [ObjectIdentifier: HandshakeGuard] = [:]
    private var isPassScheduled = false

    /// Makes an acceptor without connections.
    ///
    /// - Parameters:
    ///   - tls: the certificates; each connection uses those of the moment at which it was accepted.
    ///   - eventLoop: the loop that all channels are on.
    ///   - limits: the bounds.
    ///   - report: called for each handshake that ends without a connection.
    public init(
        tls: ServerTLS,
        eventLoop: any EventLoop,
        limits: HandshakeLimits,
        report: @escaping (HandshakeFailure, _ channel: any Channel) -> Void
    ) {
        self.tls = tls
        self.eventLoop = eventLoop
        self.limits = limits
        self.report = report
        queue = HandshakeQueue(most: limits.count, stepsPerPass: limits.stepsPerPass)
    }

    /// The number of handshakes.
    public var count: Int { queue.count }

    /// Begins the handshake of a channel that was just accepted and is not active yet.
    ///
    /// - Parameters:
    ///   - channel: the channel.
    ///   - secured: called when the handshake is complete. The handlers that it adds get `channelActive` then, and no
    ///     byte before. If it throws, the channel is closed. It is not called if the handshake fails.
    /// - Throws: the errors of the channel's pipeline.
    public func accept(_ channel: any Channel, secured: @escaping Secured) throws {
        let handler = NIOSSLServerHandler(context: tls.loaded.context, configuration: Self.configuration)
        let connection = HandshakeGuard(channel, acceptor: self)
        // A handshake needs no large buffers, and there may be many.
        try channel.syncOptions?.setOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 4096))
        let pipeline = channel.pipeline.syncOperations
        try pipeline.addHandlers([connection, handler, HandshakeHandler(handler, connection, secured)])
    }

    /// Ends all handshakes.
    public func close() {
        for connection in handshakes.values { connection.closeNow() }
    }

    private static var configuration: NIOSSLHandler.Configuration {
        var configuration = NIOSSLHandler.Configuration()
        configuration.maximumPreservedOutboundBufferCapacity = 16 * 1024
        return configuration
    }

    // Calls from connections.

    func begin(_ connection: HandshakeGuard) {
        let id = ObjectIdentifier(connection)
        let oldest = queue.begin(id)
        handshakes[id] = connection
        if let oldest { handshakes[oldest]?.fail(.tooMany) }
    }

    func end(_ connection: HandshakeGuard) {
        let id = ObjectIdentifier(connection)
        guard handshakes.removeValue(forKey: id) != nil else { return }
        queue.end(id)
    }

    func failed(_ failure: HandshakeFailure, _ channel: any Channel) {
        report(failure, channel)
    }

    func wantsStep(_ connection: HandshakeGuard) -> Bool {
        let turn = queue.wantsStep(ObjectIdentifier(connection))
        schedulePass()
        return turn == .now
    }

    private func schedulePass() {
        guard !isPassScheduled, queue.needsPass else { return }
        isPassScheduled = true
        // A timer and not `execute`: the event loop reads its sockets before it.
        eventLoop.assumeIsolated()
            .scheduleTask(in: .milliseconds(1)) {
                self.isPassScheduled = false
                for id in self.queue.nextPass() { self.handshakes[id]?.takeStep() }
                self.schedulePass()
            }
    }
}
