// docs/json.md says more about the fields. Times are RFC 3339 in UTC.

/// The session that holds a task.
public struct InspectedHolder: Sendable, Equatable, Decodable {
    /// The number of the named session, or that of the connection.
    public var session: Int64

    /// Whether it is a named session, whose claims outlive its connection.
    public var named: Bool

    /// The name of the manager that has the connection; `nil` if there is none.
    public var manager: String?

    /// The number of the connection at its manager; `nil` if there is none.
    public var connection: UInt32?
}
