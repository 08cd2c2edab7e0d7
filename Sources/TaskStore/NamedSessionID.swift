/// The number of a named session, which outlives its connections.
public struct NamedSessionID: RawRepresentable, Hashable, Sendable {
    /// The largest number that a named session can have.
    ///
    /// The numbers of connections are all larger, so one column of the database can hold both: ``ClaimHolder``.
    public static let largest = Int64(UInt32.max)

    /// The number itself, as in the database; from 1 to ``largest``.
    public var rawValue: Int64

    /// Wraps a number.
    public init(rawValue: Int64) {
        self.rawValue = rawValue
    }
}
