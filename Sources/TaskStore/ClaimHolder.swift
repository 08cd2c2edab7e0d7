/// What holds a claim, as the database stores it: a connection, or the named session to which it is attached.
///
/// The numbers of named sessions and of connections are disjoint, so one column holds both.
public struct ClaimHolder: RawRepresentable, Hashable, Sendable {
    /// The number in the database.
    public var rawValue: Int64

    /// Wraps a number.
    public init(rawValue: Int64) {
        self.rawValue = rawValue
    }

    /// Makes the holder of the claims of a connection that is attached to no named session.
    public init(_ connection: SessionID) {
        self.rawValue = connection.rawValue
    }

    /// Makes the holder of the claims of a named session.
    public init(_ session: NamedSessionID) {
        self.rawValue = session.rawValue
    }

    /// The connection; `nil` if the holder is a named session.
    public var connection: SessionID? {
        rawValue > NamedSessionID.largest ? SessionID(rawValue: rawValue) : nil
    }

    /// The named session; `nil` if the holder is a connection.
    public var namedSession: NamedSessionID? {
        rawValue > NamedSessionID.largest ? nil : NamedSessionID(rawValue: rawValue)
    }
}
