/// Delays between attempts, which double up to a limit and have a random part.
///
/// Delay n (n from 0) is `first` × 2ⁿ, at most `limit`, minus a random part of up to half of it. Because of the random
/// part, clients that have lost the same manager do not come back at the same moment.
public struct ExponentialBackoff: Sendable, Hashable {
    /// The first delay, without the random part.
    public var first: Duration

    /// The longest delay.
    public var limit: Duration

    /// Creates a rule.
    public init(first: Duration = .milliseconds(50), limit: Duration = .seconds(2)) {
        self.first = first
        self.limit = limit
    }

    /// Returns a delay without its random part.
    ///
    /// - Parameter repetition: the number of delays before this one.
    /// - Returns: `first` × 2ⁿ, at most `limit`.
    public func longestDelay(before repetition: Int) -> Duration {
        var delay = first
        for _ in 0..<max(0, repetition) {
            guard delay < limit else { break }
            delay *= 2
        }
        return min(delay, limit)
    }

    /// Returns a delay.
    ///
    /// - Parameters:
    ///   - repetition: the number of delays before this one.
    ///   - random: from 0 (the longest delay) to 1 (half of it).
    /// - Returns: between half of ``longestDelay(before:)`` and all of it.
    public func delay(before repetition: Int, random: Double) -> Duration {
        let longest = longestDelay(before: repetition)
        return longest - longest * (0.5 * min(1, max(0, random)))
    }
}
