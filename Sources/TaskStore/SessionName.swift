/// The name under which a session outlives its connection, known to be valid.
///
/// The rules are those of ``TubeName``. Every client of the same principal that knows the name can take the session up,
/// so a client makes a name that others cannot guess.
public struct SessionName: Hashable, Sendable, CustomStringConvertible {
    /// The name as text; ASCII only.
    public let text: String

    /// The principal whose session it is; `nil` for clients that were not asked for an identity.
    ///
    /// Sessions of different principals are different, also if they have the same name.
    public private(set) var principal: PrincipalName?

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

    /// Returns the name of the session that a principal has under this name.
    ///
    /// - Parameter principal: `nil` for clients that were not asked for an identity.
    /// - Returns: the name of that session.
    public func of(_ principal: PrincipalName?) -> SessionName {
        var name = self
        name.principal = principal
        return name
    }

    /// The text by which stores tell sessions apart: the principal, a colon and the name, or the name alone.
    ///
    /// Neither part can contain a colon, so no two sessions share a key.
    public var key: String { principal.map { "\($0.text):\(text)" } ?? text }

    /// The name as text.
    public var description: String { text }
}
