/// Decides when to try again to reach a server that is away: exponential backoff.
struct ReconnectBackoff {
    /// The first and the longest delay between two attempts.
    private static let delays = Duration.milliseconds(20)...Duration.seconds(2)

    /// How long a batch waits if an earlier one has waited without result.
    static let shortWait = Duration.seconds(1)

    /// When the next attempt is due.
    private(set) var nextAttempt = ContinuousClock.now

    /// Whether a batch has waited as long as it may, without result.
    var isLong = false

    private var delay = ReconnectBackoff.delays.lowerBound

    /// Notes that an attempt has failed.
    mutating func noteFailure() {
        nextAttempt = .now + delay
        delay = min(delay * 2, Self.delays.upperBound)
    }

    /// Notes that the server is there again.
    mutating func reset() {
        self = ReconnectBackoff()
    }
}
