/// Bounds on what clients can take of a manager, whatever they do; each has a flag of `beanrow-manager`.
///
/// With ``ManagerConfiguration/QueueLimits`` they bound the memory of one connection: a line, a body that is arriving, a
/// queue of commands, and the answers of one turn beyond ``unreadBytes``. ``ManagerConfiguration/maximumMemory`` bounds that of
/// all.
public struct ConnectionLimits: Sendable {
    /// Connections at a time; the next one is answered `OUT_OF_MEMORY` and closed.
    ///
    /// Fewer where the process may not have so many descriptors.
    public var connections: Int

    /// Bytes of answers that a client has not read before no more of its commands are begun.
    ///
    /// Reading stops when its queue is full, see ``ManagerConfiguration/queueLimits``.
    public var unreadBytes: Int

    /// Tubes that one connection watches; a `watch` beyond is answered `OUT_OF_MEMORY`.
    public var watchedTubes: Int

    /// How long a client may take to complete a command that it has begun, or to send a next part of a long body, see
    /// ``CommandProgress``; none for ever.
    public var commandTimeout: Duration?

    /// Makes limits; the defaults are those of the command line.
    public init(
        connections: Int = 16_384,
        unreadBytes: Int = 64 * 1024,
        watchedTubes: Int = 1024,
        commandTimeout: Duration? = .seconds(60)
    ) {
        self.connections = connections
        self.unreadBytes = unreadBytes
        self.watchedTubes = watchedTubes
        self.commandTimeout = commandTimeout
    }
}

extension SessionTable.Limits {
    /// The limits that follow from a manager's settings.
    init(_ configuration: ManagerConfiguration) {
        watchedTubes = configuration.limits.watchedTubes
        bodies = max(1, min(bodies, Self.bytesOfBodies / max(1, configuration.maximumTaskSize)))
        bytesOfBody = max(1, configuration.maximumTaskSize)
        let quarter = configuration.maximumMemory / max(1, configuration.lanes) / 4
        bodiesInAll = max(1, min(bodies * 16, quarter / bytesOfBody))
        bodies = min(bodies, bodiesInAll)
        bytesOfLists = quarter
    }

    /// What the bodies that one session gets in one batch may add up to.
    private static let bytesOfBodies = 4 << 20
}
