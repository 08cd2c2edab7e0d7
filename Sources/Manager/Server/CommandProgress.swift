/// Whether a client that is in the midst of a command gets on with it.
///
/// Four looks in a row that find no progress make it a client that holds half a command. Progress is a command that was
/// completed, or so much of a body as nobody sends who only wants to keep the connection. No clock is read where bytes
/// arrive: the engine looks every quarter of ``ConnectionLimits/commandTimeout``.
struct CommandProgress {
    /// So much of a body between two looks is progress.
    static let leastBytes = 16 * 1024

    /// Looks without progress after which it is over.
    static let patience = 4

    private var requests = 0
    private var bytes = 0
    private var looksInVain = 0

    /// Bytes arrived.
    mutating func received(_ count: Int) {
        bytes += count
    }

    /// A command was completed.
    mutating func completed() {
        requests += 1
    }

    /// Looks at what has come since the last look.
    ///
    /// - Parameter isMidCommand: whether the client has begun a command that only it can complete.
    /// - Returns: whether it has been so for too long.
    mutating func isStalled(isMidCommand: Bool) -> Bool {
        defer { (requests, bytes) = (0, 0) }
        guard isMidCommand, requests == 0, bytes < Self.leastBytes else {
            looksInVain = 0
            return false
        }
        looksInVain += 1
        return looksInVain > Self.patience
    }
}
