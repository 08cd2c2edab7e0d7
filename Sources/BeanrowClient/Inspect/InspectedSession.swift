// docs/json.md says more about the fields. Times are RFC 3339 in UTC.

/// A named session.
public struct InspectedSession: Sendable, Equatable, Decodable {
    /// The number of the session.
    public var session: Int64

    /// Whether it is a named session, whose claims outlive its connection.
    public var named: Bool

    /// The name of the manager that has the connection; `nil` if there is none.
    public var manager: String?

    /// The number of the connection at its manager; `nil` if there is none.
    public var connection: UInt32?

    /// When a connection last attached it.
    public var attached: String?

    /// The number of tasks that it holds; for a manager without those of named sessions.
    public var claims: Int
}
