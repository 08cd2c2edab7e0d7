/// The secret by which a client proves its identity, known to be valid.
///
/// It appears in no description and no mirror, so that it cannot get into a log by accident.
public struct AccessToken: Sendable, Equatable, CustomStringConvertible, CustomDebugStringConvertible,
    CustomReflectable
{
    /// The most bytes a token may have: the rest of a line of 224 bytes behind `auth` and before CRLF.
    public static let maximumLength = 217

    /// The token itself; printable ASCII without spaces.
    public let text: String

    /// Checks a token; returns `nil` if it is not valid.
    ///
    /// - Parameter bytes: 1 to ``maximumLength`` bytes from `!` to `~`.
    public init?(_ bytes: some Collection<UInt8>) {
        guard (1...Self.maximumLength).contains(bytes.count), bytes.allSatisfy(Self.isTokenByte) else { return nil }
        self.text = String(decoding: bytes, as: UTF8.self)
    }

    /// Checks a token given as text; returns `nil` if it is not valid.
    ///
    /// - Parameter text: the token.
    public init?(_ text: String) {
        self.init(text.utf8)
    }

    private static func isTokenByte(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "!")...UInt8(ascii: "~")).contains(byte)
    }

    /// The same text for every token.
    public var description: String { "<token>" }

    /// The same text for every token.
    public var debugDescription: String { description }

    /// A mirror without children.
    public var customMirror: Mirror { Mirror(self, children: [:]) }
}
