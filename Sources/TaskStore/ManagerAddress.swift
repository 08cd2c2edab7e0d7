/// The address of a manager, as a client takes it: `HOST:PORT`, `beanrow+tls://HOST:PORT` or `unix:/path`.
public enum ManagerAddress: Hashable, Sendable, CustomStringConvertible {
    /// A TCP port, without encryption.
    case network(NetworkAddress)

    /// A TCP port with TLS.
    case tls(NetworkAddress)

    /// A unix socket of this machine.
    case unix(SocketPath)

    /// The default port of beanstalkd and of the managers.
    public static let defaultPort = 11_300

    /// The characters before the host of an address with TLS.
    public static let tlsPrefix = "beanrow+tls://"

    /// Creates the address of a TCP port without encryption, without checks.
    public init(host: String, port: Int = ManagerAddress.defaultPort) {
        self = .network(NetworkAddress(host: host, port: port))
    }

    /// Reads an address.
    ///
    /// The default port is ``defaultPort``.
    ///
    /// Fails if there is no host, the port is out of range, an IPv6 address has no brackets, or a path is not possible.
    ///
    /// - Parameter text: the text to read.
    public init?(_ text: some StringProtocol) {
        if text.hasPrefix(Self.tlsPrefix) {
            guard let address = NetworkAddress(text.dropFirst(Self.tlsPrefix.count)) else { return nil }
            self = .tls(address)
        } else if text.hasPrefix(SocketPath.prefix) {
            guard let path = try? SocketPath(text) else { return nil }
            self = .unix(path)
        } else {
            guard let address = NetworkAddress(text) else { return nil }
            self = .network(address)
        }
    }

    /// Reads a list of addresses that are separated by commas.
    ///
    /// - Parameter text: the text to read.
    /// - Returns: the addresses in their order, each once. `nil` if a part is no address.
    public static func list(_ text: some StringProtocol) -> [ManagerAddress]? {
        var addresses: [ManagerAddress] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            guard let address = ManagerAddress(part) else { return nil }
            if !addresses.contains(address) {
                addresses.append(address)
            }
        }
        return addresses
    }

    /// Whether a client can connect to it: port 0 is only for listeners.
    public var isComplete: Bool {
        switch self {
        case .network(let address), .tls(let address): address.port > 0
        case .unix: true
        }
    }

    /// Whether its connections have TLS.
    public var hasTLS: Bool {
        if case .tls = self { true } else { false }
    }

    /// The address as it is read, with its port.
    public var description: String {
        switch self {
        case .network(let address): "\(address)"
        case .tls(let address): "\(Self.tlsPrefix)\(address)"
        case .unix(let path): "\(path)"
        }
    }
}
