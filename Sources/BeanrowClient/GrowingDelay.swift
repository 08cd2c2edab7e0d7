/// How long to wait before the next try: longer each time, up to a limit, and never quite the same.
///
/// The n-th delay (n from 0) is `first` × 2ⁿ, at most `limit`, less a random part of up to half of it, so that many
/// clients that lost the same manager do not come back in step.
public struct GrowingDelay: Sendable, Hashable {
    /// The delay before the first repetition, before the random part is taken off.
    public var first: Duration

    /// The most a delay grows to.
    public var limit: Duration

    /// Makes a rule.
    public init(first: Duration = .milliseconds(50), limit: Duration = .seconds(2)) {
        self.first = first
        self.limit = limit
    }

    /// The delay before a repetition, the random part left out.
    ///
    /// - Parameter repetition: how many delays there were before this one, from 0.
    /// - Returns: `first` × 2ⁿ, at most `limit`.
    public func longest(before repetition: Int) -> Duration {
        var delay = first
        for _ in 0..<max(0, repetition) {
            guard delay < limit else { break }
            delay *= 2
        }
        return min(delay, limit)
    }

    /// The delay before a repetition.
    ///
    /// - Parameters:
    ///   - repetition: how many delays there were before this one, from 0.
    ///   - random: a number from 0 to 1 that decides how much is taken off; 0 takes off nothing.
    /// - Returns: between half of ``longest(before:)`` and all of it.
    public func duration(before repetition: Int, random: Double) -> Duration {
        let longest = longest(before: repetition)
        return longest - longest * (0.5 * min(1, max(0, random)))
    }
}
