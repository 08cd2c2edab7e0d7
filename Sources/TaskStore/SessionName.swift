/// The name under which a session outlives its connection, known to be valid.
///
/// The rules are those of ``TubeName``. Every client that knows the name can take the session up, so a client makes a
/// name that others cannot guess.
public struct SessionName: Hashable, Sendable, CustomStringConvertible {
    /// The name as text; ASCII only.
    public let text: String

    /// Checks a name; returns `nil` if it is not valid.
    ///
    /// - Parameter bytes: the name's bytes, without the white space around it.
    public init?(_ bytes: some Collection<UInt8>) {
        guard TubeName.isValid(bytes) else { return nil }
        self.text = String(decoding: bytes, as: UTF8.self)
    }

    /// Checks a name given as text; returns `nil` if it is not valid.
    ///
    /// - Parameter text: the name.
    public init?(_ text: String) {
        self.init(text.utf8)
    }

    /// The name as text.
    public var description: String { text }
}
