/// When a failed task is tried again.
struct RetryRule: Sendable, Equatable {
    /// The longest delay, in seconds.
    static let longestDelay: UInt32 = 300

    /// Seconds before the second attempt.
    var firstDelay: UInt32

    /// Attempts after which a task is buried instead.
    var maximumAttempts: Int

    /// What to do with a task whose command failed.
    enum Verdict: Equatable {
        case release(delay: UInt32)
        case bury
    }

    /// Decides after a failed attempt.
    ///
    /// - Parameter attempt: which one it was, from 1; all consumers' attempts count.
    /// - Returns: what to do with the task.
    func verdict(afterAttempt attempt: Int) -> Verdict {
        guard attempt < maximumAttempts else { return .bury }
        var delay = min(firstDelay, Self.longestDelay)
        for _ in 1..<max(attempt, 1) {
            guard delay > 0, delay < Self.longestDelay else { break }
            delay = min(2 * delay, Self.longestDelay)
        }
        return .release(delay: delay)
    }
}
