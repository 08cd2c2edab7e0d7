/// Decides whether and when a failed task is tried again.
struct RetryPolicy: Sendable, Equatable {
    /// The longest delay, in seconds.
    static let longestDelay: UInt32 = 300

    /// The delay before the second attempt, in seconds.
    var firstDelay: UInt32

    /// The number of attempts after which a task is buried.
    var maximumAttempts: Int

    /// What happens to a task whose command failed.
    enum Decision: Equatable {
        case release(delay: UInt32)
        case bury
    }

    /// Decides after a failed attempt.
    ///
    /// The delay doubles with each attempt, up to ``longestDelay``.
    ///
    /// - Parameter attempt: the number of the attempt, from 1. The attempts of all consumers count.
    /// - Returns: what happens to the task.
    func decision(afterAttempt attempt: Int) -> Decision {
        guard attempt < maximumAttempts else { return .bury }
        var delay = min(firstDelay, Self.longestDelay)
        for _ in 1..<max(attempt, 1) {
            guard delay > 0, delay < Self.longestDelay else { break }
            delay = min(2 * delay, Self.longestDelay)
        }
        return .release(delay: delay)
    }
}
