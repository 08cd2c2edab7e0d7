/// When to try again to reach a server that is away.
struct Outage {
    /// The first and the longest delay between two attempts.
    private static let delays = Duration.milliseconds(20)...Duration.seconds(2)

    /// How long a batch still waits once one before it has waited in vain.
    static let patienceAfterwards = Duration.seconds(1)

    /// When the next attempt is due.
    private(set) var nextAttempt = ContinuousClock.now

    /// Whether a batch has waited as long as it may, and got nowhere.
    var isLong = false

    private var delay = Outage.delays.lowerBound

    /// An attempt has failed.
    mutating func failed() {
        nextAttempt = .now + delay
        delay = min(delay * 2, Self.delays.upperBound)
    }

    /// The server is there again.
    mutating func end() {
        self = Outage()
    }
}
