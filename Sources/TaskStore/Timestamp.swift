/// A moment in UTC milliseconds since 1970, as in the database.
public struct Timestamp: RawRepresentable, Hashable, Comparable, Sendable {
    /// Milliseconds since 1970-01-01 00:00 UTC.
    public var rawValue: Int64

    /// Wraps a number of milliseconds.
    public init(rawValue: Int64) {
        self.rawValue = rawValue
    }

    /// Returns the moment some seconds later.
    ///
    /// - Parameter seconds: 0 to 2³²−1, the range of the protocol's delays.
    /// - Returns: the later moment.
    public func adding(seconds: UInt32) -> Timestamp {
        Timestamp(rawValue: rawValue + Int64(seconds) * 1000)
    }

    /// Orders moments by time.
    public static func < (lhs: Timestamp, rhs: Timestamp) -> Bool { lhs.rawValue < rhs.rawValue }
}
