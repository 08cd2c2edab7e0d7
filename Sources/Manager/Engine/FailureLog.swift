internal import Logging

/// Limits the log lines of a repeated failure: one when it begins, then one every few seconds with the number of
/// failures.
struct FailureLog {
    private var lastSaid: ContinuousClock.Instant?
    private var lastMessage = ""
    private var left = 0

    /// The time between two lines.
    static let interval = Duration.seconds(10)

    /// Notes a failure.
    ///
    /// - Returns: the number of failures since the last line, including this one; `nil` if there is no line now.
    mutating func note(_ message: String, at now: ContinuousClock.Instant = .now) -> Int? {
        left += 1
        if let lastSaid, message == lastMessage, now < lastSaid + Self.interval { return nil }
        defer { left = 0 }
        (lastSaid, lastMessage) = (now, message)
        return left
    }
}
