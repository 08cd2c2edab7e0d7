/// The name of a principal: a client, or a group of clients, that a manager gives rights to; known to be valid.
///
/// The rules are those of ``TubeName``, but with at most 100 bytes.
public struct PrincipalName: Hashable, Sendable, CustomStringConvertible {
    /// The most bytes a name may have.
    public static let maximumLength = 100

    /// The name as text; ASCII only.
    public let text: String

    /// Checks a name; returns `nil` if it is not valid.
    ///
    /// - Parameter text: the name.
    public init?(_ text: String) {
        guard text.utf8.count <= Self.maximumLength, TubeName.isValid(text.utf8) else { return nil }
        self.text = text
    }

    /// The name as text.
    public var description: String { text }
}
