public import Transport

/// Where a manager listens.
public struct ListenerSettings: Sendable {
    /// The listeners; at least one.
    ///
    /// The address of the first one is the manager's address in the store.
    public var listeners: [Listener]

    /// The permissions of unix sockets.
    public var sockets: SocketOptions

    /// The certificates; needed if a listener has TLS.
    public var tls: ServerTLS?

    /// Bounds on TLS handshakes, for all lanes together.
    public var handshakes: HandshakeLimits

    /// Makes settings.
    public init(
        _ listeners: [Listener],
        sockets: SocketOptions = SocketOptions(),
        tls: ServerTLS? = nil,
        handshakes: HandshakeLimits = HandshakeLimits()
    ) {
        self.listeners = listeners
        self.sockets = sockets
        self.tls = tls
        self.handshakes = handshakes
    }

    /// Whether a listener has TLS.
    var hasTLS: Bool { listeners.contains { $0.security == .tls } }
}
