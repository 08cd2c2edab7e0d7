/// The number of one connection to one manager.
///
/// The upper 32 bits are the manager's number and the lower 32 the connection's, so that the connections of a manager
/// are one range of numbers, and no two connections ever share one. The claims of a connection belong to it, or to the
/// named session to which it is attached: see ``ClaimHolder``.
public struct SessionID: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    /// The number itself, as in the database; larger than ``NamedSessionID/largest``, since managers count from 1.
    public var rawValue: Int64

    /// Wraps a number.
    public init(rawValue: Int64) {
        self.rawValue = rawValue
    }

    /// Makes the number of a connection.
    ///
    /// - Parameters:
    ///   - connection: the connection's number, counted by its manager from 1.
    ///   - manager: the manager that accepted it.
    public init(connection: UInt32, of manager: ManagerID) {
        self.rawValue = manager.rawValue << 32 | Int64(connection)
    }

    /// The manager whose connection this is.
    public var manager: ManagerID { ManagerID(rawValue: rawValue >> 32) }

    /// The connection's number at its manager.
    public var connection: UInt32 { UInt32(truncatingIfNeeded: rawValue) }

    /// Returns the range of the numbers of all connections that a manager can have.
    public static func all(of manager: ManagerID) -> ClosedRange<Int64> {
        SessionID(connection: 0, of: manager).rawValue...SessionID(connection: .max, of: manager).rawValue
    }

    /// Manager and connection, as in `3/17`.
    public var description: String { "\(manager)/\(connection)" }
}
