internal import Crypto
public import TaskStore

/// The SHA-256 digest of a token: what a tokens file has in place of the token.
///
/// A token that was made as `beanrow token` makes it has 256 random bits. So it cannot be found from its digest, and a
/// slow hash would protect nothing more. A manager looks up the digest of what a client sends. How long this takes
/// depends on the digest, which a client cannot choose, and so tells nothing about the tokens of others.
public struct TokenDigest: Hashable, Sendable, CustomStringConvertible {
    /// The number of bytes in a digest.
    public static let length = 32

    private let bytes: [UInt8]

    /// Computes the digest of a token.
    public init(_ token: AccessToken) {
        self.init(ofBytes: Array(token.text.utf8))
    }

    /// Computes the digest of any bytes, such as those of a file.
    init(ofBytes bytes: [UInt8]) {
        self.bytes = Array(SHA256.hash(data: bytes))
    }

    /// Reads a digest; returns `nil` if the text is not one.
    ///
    /// - Parameter hex: 64 hexadecimal digits.
    public init?(hex: some StringProtocol) {
        guard hex.utf8.count == 2 * Self.length, hex.utf8.allSatisfy({ Character(UnicodeScalar($0)).isHexDigit }) else {
            return nil
        }
        var bytes: [UInt8] = []
        var rest = Substring(hex)
        while !rest.isEmpty {
            guard let byte = UInt8(rest.prefix(2), radix: 16) else { return nil }
            bytes.append(byte)
            rest = rest.dropFirst(2)
        }
        self.bytes = bytes
    }

    /// The digest as 64 hexadecimal digits.
    public var hex: String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    /// The digest as in a tokens file: `sha256:` and 64 hexadecimal digits.
    public var description: String { "sha256:\(hex)" }
}

extension AccessToken {
    /// Makes a token of 256 random bits: 64 hexadecimal digits.
    ///
    /// - Returns: the token; its line in a tokens file has its ``TokenDigest``.
    public static func random() -> AccessToken? {
        var generator = SystemRandomNumberGenerator()
        let words = (0..<4).map { _ in generator.next() }
        return AccessToken(
            words.map { word in
                let hex = String(word, radix: 16)
                return String(repeating: "0", count: 16 - hex.count) + hex
            }
            .joined()
        )
    }
}
