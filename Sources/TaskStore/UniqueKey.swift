/// A producer's name for a task, with which it is not put twice; known to be valid.
///
/// The rules are those of ``TubeName``; a key belongs to one tube.
public struct UniqueKey: Hashable, Sendable, CustomStringConvertible {
    /// The key as text; ASCII only.
    public let text: String

    /// Checks a key; returns `nil` if it is not valid.
    ///
    /// - Parameter bytes: the key's bytes, without the white space around it.
    public init?(_ bytes: some Collection<UInt8>) {
        guard TubeName.isValid(bytes) else { return nil }
        self.text = String(decoding: bytes, as: UTF8.self)
    }

    /// Checks a key given as text; returns `nil` if it is not valid.
    ///
    /// - Parameter text: the key.
    public init?(_ text: String) {
        self.init(text.utf8)
    }

    /// The key as text.
    public var description: String { text }
}
