/// The origin of a connection: the client's address, and what is known about the client before it says anything.
///
/// The listener makes it when the connection is accepted; over TLS when the handshake is complete.
public struct ConnectionOrigin: Hashable, Sendable {
    /// The address of the client, for logs: `192.0.2.7:40112`, or `unix:/run/beanrow/m1.sock` for a unix socket.
    ///
    /// At most 255 bytes, without spaces and control characters.
    public var address: String

    /// What the transport has proved about the client.
    public var identity: PeerIdentity

    /// Whether the listener is marked `,open`: its clients need not authenticate.
    public var isOpen: Bool

    /// Creates an origin from its parts.
    public init(address: String, identity: PeerIdentity = .anonymous, isOpen: Bool = false) {
        self.address = address
        self.identity = identity
        self.isOpen = isOpen
    }
}

/// The identity of a client as its transport has proved it.
public enum PeerIdentity: Hashable, Sendable {
    /// Nothing is known: plain TCP, or TLS without a client certificate.
    case anonymous

    /// The client connected through a unix socket and ran with this user id at that moment (`SO_PEERCRED`).
    case user(id: UInt32)

    /// The client has shown a certificate that one of the client CAs has signed.
    ///
    /// The names are the certificate's DNS and URI names, exactly as they are written in it. The common name of the
    /// subject is one of them only if the certificate has no subject alternative name of any kind (RFC 6125). A `*` in
    /// a name has no meaning. There may be no name at all.
    case certificate(names: [String])
}
