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
