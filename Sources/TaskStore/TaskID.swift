/// The number of a task, which its store never gives again.
///
/// Ids grow with the order of puts and are never used again, also after a restart. So a late `delete 7` never deletes a
/// newer task 7. On the wire and in SQL it is a plain decimal number from 1 to 2⁶³−1.
public struct TaskID: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The number itself; positive for every task that exists.
    public var rawValue: Int64

    /// Wraps a number.
    public init(rawValue: Int64) {
        self.rawValue = rawValue
    }

    /// The number in decimal, as on the wire.
    public var description: String { String(rawValue) }

    /// Orders ids by age: the smaller was put earlier.
    public static func < (lhs: TaskID, rhs: TaskID) -> Bool { lhs.rawValue < rhs.rawValue }
}
