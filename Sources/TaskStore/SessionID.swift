/// The number of one manager process, which its store never gives again.
///
/// A manager gets a new number each time it starts, so no two processes have the same number.
public struct ManagerID: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    /// The largest number that a manager can have: with a connection's number below it, it still fits into 63 bits.
    public static let largest = Int64(Int32.max)

    /// The number itself; from 1 to 2³¹−1.
    public var rawValue: Int64

    /// Wraps a number.
    public init(rawValue: Int64) {
        self.rawValue = rawValue
    }

    /// The number in decimal.
    public var description: String { String(rawValue) }
}

/// The owner of claims: one connection to one manager.
///
/// The upper 32 bits are the manager's number and the lower 32 the connection's, so that the claims of a manager, or of
/// one connection, are one range of numbers, and no two connections ever share one.
public struct SessionID: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    /// The largest number that a named session can have.
    ///
    /// Those of connections are all larger, since managers count from 1.
    public static let largestNamed = Int64(UInt32.max)

    /// The number itself, as in the database.
    public var rawValue: Int64

    /// Wraps a number.
    public init(rawValue: Int64) {
        self.rawValue = rawValue
    }

    /// Makes the session of a connection.
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

    /// Returns the range of all sessions that a manager can have.
    public static func all(of manager: ManagerID) -> ClosedRange<Int64> {
        SessionID(connection: 0, of: manager).rawValue...SessionID(connection: .max, of: manager).rawValue
    }

    /// Manager and connection, as in `3/17`.
    public var description: String { "\(manager)/\(connection)" }
}
