internal import Logging

/// Says what goes wrong over and over again when it begins, then every few seconds with how often it was.
struct FailureLog {
    private var lastSaid: ContinuousClock.Instant?
    private var lastMessage = ""
    private var left = 0

    /// How long it keeps silent.
    static let interval = Duration.seconds(10)

    /// Something went wrong.
    ///
    /// - Returns: how often it did since it was last said, this time included; none if it is not to be said now.
    mutating func note(_ message: String, at now: ContinuousClock.Instant = .now) -> Int? {
        left += 1
        if let lastSaid, message == lastMessage, now < lastSaid + Self.interval { return nil }
        defer { left = 0 }
        (lastSaid, lastMessage) = (now, message)
        return left
    }
}
