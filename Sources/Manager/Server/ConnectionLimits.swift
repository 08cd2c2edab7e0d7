/// Bounds on what clients can use of a manager, whatever they do; each has a flag of `beanrow-manager`.
///
/// With ``ManagerConfiguration/QueueLimits`` they bound the memory of one connection: a line, a body that is arriving,
/// a queue of commands, and the answers of one turn beyond ``unreadBytes``. ``ManagerConfiguration/maximumMemory``
/// bounds that of all.
public struct ConnectionLimits: Sendable {
    /// The most connections at the same time; the next one is answered `OUT_OF_MEMORY` and closed.
    ///
    /// There are fewer if the process may not have enough descriptors.
    public var connections: Int

    /// The bytes of unread answers from which on no more commands of a client are begun.
    ///
    /// Reading stops when its queue is full, see ``ManagerConfiguration/queueLimits``.
    public var unreadBytes: Int

    /// The most tubes that one connection watches; the next `watch` is answered `OUT_OF_MEMORY`.
    public var watchedTubes: Int

    /// How long a client may take to complete a command that it has begun, or to send the next part of a long body, see
    /// ``CommandProgress``; `nil` for no limit.
    public var commandTimeout: Duration?

    /// How long a client may take to send `auth`, if the manager asks for it.
    public var authenticationTimeout = Duration.seconds(10)

    /// The most connections whose clients are not known yet.
    ///
    /// Beyond it, the oldest one is closed.
    public var strangers = 1024

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

extension BatchLimits {
    /// The limits that follow from a manager's settings.
    init(_ configuration: ManagerConfiguration) {
        watchedTubes = configuration.limits.watchedTubes
        bodies = max(1, min(bodies, Self.bytesOfBodies / max(1, configuration.maximumTaskSize)))
        bytesOfBody = max(1, configuration.maximumTaskSize)
        let limit = configuration.maximumMemory / max(1, configuration.lanes)
        let part = MemoryBudget(limit: limit, largestTask: bytesOfBody).part
        bodiesInAll = max(1, min(bodies * 16, part / bytesOfBody))
        bodies = min(bodies, bodiesInAll)
        bytesOfLists = part
    }

    /// The most bytes of bodies that one session gets in one batch.
    private static let bytesOfBodies = 4 << 20
}
