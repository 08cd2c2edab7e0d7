public import NIOCore

/// A manager's settings.
public struct ManagerConfiguration: Sendable {
    /// The most bytes a task's body may have.
    public var maximumTaskSize: Int

    /// What `stats` calls the version.
    public var version: String

    /// On how many event loops, each with a store of its own, the manager runs.
    public var lanes: Int

    /// How often the store is asked to look after itself and its managers.
    public var maintenanceInterval: TimeAmount

    /// How often the store is asked, while sessions wait, whether somebody has written with other programs.
    public var pollInterval: TimeAmount

    /// How old the time in a claim's row may be when its answer leaves; if it is older, the claim is renewed first.
    public var claimTolerance: Duration

    /// How long a stopping manager waits for clients that do not read their answers.
    public var stopTimeout: TimeAmount

    /// How much a connection may have sent and not been answered before no more is read from it.
    public var queueLimits: QueueLimits

    /// What clients can take of the manager beyond that.
    public var limits: ConnectionLimits

    /// The most bytes of bodies, commands and answers that are kept for all connections together; see ``MemoryBudget``.
    ///
    /// At least four times ``maximumTaskSize`` for each lane.
    public var maximumMemory: Int

    /// The most that is kept unless something else is said: 256 MiB, or as much as works with so large tasks.
    ///
    /// - Parameters:
    ///   - maximumTaskSize: the most bytes a task's body may have.
    ///   - lanes: on how many event loops the manager runs.
    /// - Returns: bytes.
    public static func usualMemory(maximumTaskSize: Int, lanes: Int = 1) -> Int {
        max(256 << 20, leastMemory(maximumTaskSize: maximumTaskSize, lanes: lanes))
    }

    /// The least that works with tasks of a size.
    public static func leastMemory(maximumTaskSize: Int, lanes: Int = 1) -> Int {
        MemoryBudget.leastTasks * maximumTaskSize * lanes
    }

    /// Bounds on what waits in memory for one connection.
    public struct QueueLimits: Sendable {
        /// Commands.
        public var commands: Int

        /// Bytes of bodies.
        public var bytes: Int

        /// Makes limits.
        public init(commands: Int = 2048, bytes: Int = 512 * 1024) {
            self.commands = commands
            self.bytes = bytes
        }
    }

    /// Makes settings; the defaults are those of the command line.
    public init(
        maximumTaskSize: Int = 65535,
        version: String,
        lanes: Int = 1,
        maintenanceInterval: TimeAmount = .milliseconds(500),
        pollInterval: TimeAmount = .milliseconds(25),
        claimTolerance: Duration = .milliseconds(100),
        stopTimeout: TimeAmount = .seconds(5),
        queueLimits: QueueLimits = QueueLimits(),
        limits: ConnectionLimits = ConnectionLimits(),
        maximumMemory: Int? = nil
    ) {
        self.maximumTaskSize = maximumTaskSize
        self.version = version
        self.lanes = lanes
        self.maintenanceInterval = maintenanceInterval
        self.pollInterval = pollInterval
        self.claimTolerance = claimTolerance
        self.stopTimeout = stopTimeout
        self.queueLimits = queueLimits
        self.limits = limits
        self.maximumMemory = maximumMemory ?? Self.usualMemory(maximumTaskSize: maximumTaskSize, lanes: lanes)
    }
}
