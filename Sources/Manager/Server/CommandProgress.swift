/// Whether a client that has begun a command makes progress with it.
///
/// A client is stalled if more than four looks in a row find no progress. Progress is a completed command, or at least
/// ``leastBytes`` of a body: a client that only wants to keep its connection does not send that much. No clock is read
/// when bytes arrive: the engine looks four times per ``ConnectionLimits/commandTimeout``.
struct CommandProgress {
    /// The bytes of a body between two looks that are progress.
    static let leastBytes = 16 * 1024

    /// The number of looks in a row that may find no progress.
    static let patience = 4

    private var requests = 0
    private var bytes = 0
    private var idlePolls = 0

    /// Notes bytes that arrived.
    mutating func received(_ count: Int) {
        bytes += count
    }

    /// Notes a command that was completed.
    mutating func completed() {
        requests += 1
    }

    /// Looks at the progress since the last look.
    ///
    /// - Parameter isMidCommand: whether the client has begun a command that only it can complete.
    /// - Returns: whether the client has made no progress for too long.
    mutating func isStalled(isMidCommand: Bool) -> Bool {
        defer { (requests, bytes) = (0, 0) }
        guard isMidCommand, requests == 0, bytes < Self.leastBytes else {
            idlePolls = 0
            return false
        }
        idlePolls += 1
        return idlePolls > Self.patience
    }
}
