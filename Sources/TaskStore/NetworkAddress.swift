/// A host and a TCP port, written `HOST:PORT`.
///
/// The host is a name or an IPv4 address, or an IPv6 address in brackets: `[::1]:11300`.
public struct NetworkAddress: Hashable, Sendable, CustomStringConvertible {
    /// The name or the address, without brackets.
    public var host: String

    /// The TCP port, from 0 to 65535.
    ///
    /// With 0 a listener picks a free port; a client cannot use it.
    public var port: Int

    /// Creates an address from its parts, without checks.
    public init(host: String, port: Int = ManagerAddress.defaultPort) {
        self.host = host
        self.port = port
    }

    /// Reads `HOST:PORT` or `HOST`.
    ///
    /// The default port is ``ManagerAddress/defaultPort``.
    ///
    /// Fails if there is no host, the port is out of range, or an IPv6 address has no brackets.
    ///
    /// - Parameter text: the text to read.
    public init?(_ text: some StringProtocol) {
        let host: Substring
        let rest: Substring
        let text = Substring(text)
        if text.first == "[" {
            guard let end = text.firstIndex(of: "]") else { return nil }
            host = text[text.index(after: text.startIndex)..<end]
            rest = text[text.index(after: end)...]
            guard host.contains(":") else { return nil }
        } else {
            host = text.prefix { $0 != ":" }
            rest = text[host.endIndex...]
        }
        guard !host.isEmpty, !host.contains(where: { $0.isWhitespace || $0 == "," || $0 == "[" || $0 == "]" }) else {
            return nil
        }
        if rest.isEmpty {
            self.init(host: String(host))
        } else {
            let digits = rest.dropFirst()
            guard rest.first == ":", let port = Self.port(digits) else { return nil }
            self.init(host: String(host), port: port)
        }
    }

    // `Int` also accepts "+1", which is no port.
    private static func port(_ digits: Substring) -> Int? {
        guard (1...5).contains(digits.utf8.count), digits.allSatisfy(\.isNumber), digits.allSatisfy(\.isASCII) else {
            return nil
        }
        return Int(digits).flatMap { (0...65_535).contains($0) ? $0 : nil }
    }

    /// The address as `HOST:PORT`, with an IPv6 address in brackets.
    public var description: String {
        host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
}
