public import TaskStore

/// A place at which a manager accepts connections.
public struct Listener: Hashable, Sendable, CustomStringConvertible {
    /// Where it listens.
    public enum Address: Hashable, Sendable {
        /// A TCP port.
        case network(NetworkAddress)

        /// A unix socket.
        case unix(SocketPath)
    }

    /// What protects its connections.
    public enum Security: Hashable, Sendable {
        /// Nothing: the protocol's bytes as they are.
        case plaintext

        /// TLS 1.2 or later.
        case tls
    }

    /// Where it listens.
    public var address: Address

    /// What protects its connections.
    public var security: Security

    /// Whether its clients need not authenticate although the manager has tokens: the suffix `,open`.
    public var isOpen: Bool

    /// The suffix of a listener that asks no client for a token.
    private static let openSuffix = ",open"

    /// Creates a listener from its parts.
    public init(_ address: Address, security: Security = .plaintext, isOpen: Bool = false) {
        self.address = address
        self.security = security
        self.isOpen = isOpen
    }

    /// Reads the value of `--listen` or `--listen-tls`: `HOST:PORT` or `unix:/path`, and perhaps `,open` behind it.
    ///
    /// - Parameters:
    ///   - text: the text to read.
    ///   - security: what protects the connections; a unix socket cannot have TLS.
    /// - Throws: `AddressError` with the reason.
    public init(_ text: String, security: Security = .plaintext) throws(AddressError) {
        let isOpen = text.hasSuffix(Self.openSuffix)
        let place = isOpen ? String(text.dropLast(Self.openSuffix.count)) : text
        if place.hasPrefix(SocketPath.prefix) {
            guard security == .plaintext else { throw AddressError("TLS needs HOST:PORT, not a unix socket") }
            self.init(.unix(try SocketPath(place)), isOpen: isOpen)
        } else {
            guard let network = NetworkAddress(place) else {
                throw AddressError("an address is written HOST:PORT, [IPV6]:PORT or unix:/path")
            }
            self.init(.network(network), security: security, isOpen: isOpen)
        }
    }

    /// Whether bytes can leave the machine without encryption.
    ///
    /// A host counts as this machine only if it is `localhost` or a literal loopback address: a name may be resolved to
    /// any address.
    public var isExposed: Bool {
        switch address {
        case .unix: false
        case .network(let network): security == .plaintext && !network.isLoopback
        }
    }

    /// The listener as a client's `--managers` takes it.
    public var description: String {
        switch (address, security) {
        case (.unix(let path), _): "\(path)"
        case (.network(let network), .plaintext): "\(network)"
        case (.network(let network), .tls): "\(ManagerAddress.tls(network))"
        }
    }
}
