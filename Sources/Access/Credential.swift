/// What proves that a client is a principal.
public enum Credential: Hashable, Sendable, CustomStringConvertible {
    /// The client knows the token with this digest, and sends it with `auth`.
    case token(TokenDigest)

    /// The client has a certificate of a trusted authority with this DNS name or URI; it is compared exactly.
    case certificate(String)

    /// The client is a process of this user and is connected over a unix socket.
    case user(UInt32)

    /// The most bytes that the name of a certificate may have.
    private static let longestName = 253

    /// Reads a credential of a tokens file; returns `nil` if it is none.
    ///
    /// - Parameter text: `sha256:` and 64 hexadecimal digits, `cert:` and a name, or `uid:` and a number.
    public init?(_ text: some StringProtocol) {
        guard let colon = text.firstIndex(of: ":") else { return nil }
        let value = text[text.index(after: colon)...]
        switch text[..<colon] {
        case "sha256":
            guard let digest = TokenDigest(hex: value) else { return nil }
            self = .token(digest)
        case "cert":
            let isPrintable = value.utf8.allSatisfy { (UInt8(ascii: "!")...UInt8(ascii: "~")).contains($0) }
            guard isPrintable, (1...Self.longestName).contains(value.utf8.count) else { return nil }
            self = .certificate(String(value))
        case "uid":
            // -1 stands for no user in system calls.
            guard value.utf8.allSatisfy({ Character(UnicodeScalar($0)).isNumber }), let user = UInt32(value),
                user != .max
            else { return nil }
            self = .user(user)
        default:
            return nil
        }
    }

    /// The credential as in a tokens file.
    public var description: String {
        switch self {
        case .token(let digest): "\(digest)"
        case .certificate(let name): "cert:\(name)"
        case .user(let user): "uid:\(user)"
        }
    }
}
