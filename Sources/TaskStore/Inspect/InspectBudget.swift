/// The work that one look of an operator may cause: other clients wait for it.
///
/// A look that reaches the end of its budget returns what it has found and where the next one continues. It always
/// looks at one row at least, so that a sequence of looks comes to an end.
public struct InspectBudget: Sendable {
    /// The rows that may still be looked at.
    public private(set) var rows: Int

    private let deadline: ContinuousClock.Instant
    private var looked = 0

    /// The most rows of one look.
    public static let mostRows = 10_000

    /// The longest time of one look.
    public static let longestTime = Duration.milliseconds(10)

    /// After how many rows the clock is read: a short list is whole, however busy the machine is.
    public static let rowsPerLookAtClock = 16

    /// Makes a budget that begins now.
    public init(rows: Int = Self.mostRows, time: Duration = Self.longestTime) {
        self.rows = rows
        self.deadline = .now + time
    }

    /// Takes one row from the budget.
    ///
    /// - Returns: `false` if there is nothing left, so that the row is not to be looked at.
    public mutating func takeRow() -> Bool {
        defer { looked += 1 }
        if looked > 0 {
            guard rows > 0 else { return false }
            guard looked % Self.rowsPerLookAtClock != 0 || ContinuousClock.now < deadline else { return false }
        }
        rows -= 1
        return true
    }
}
