public import Access
public import NIOCore

/// A manager's settings.
public struct ManagerConfiguration: Sendable {
    /// The most bytes per body of a task.
    public var maximumTaskSize: Int

    /// The version that `stats` reports.
    public var version: String

    /// The number of event loops on which the manager runs, each with a store of its own.
    public var lanes: Int

    /// The interval of ``Store/maintain(at:)``.
    public var maintenanceInterval: TimeAmount

    /// The interval at which the store is asked, while sessions wait, whether other programs have written.
    public var pollInterval: TimeAmount

    /// How old the time in a claim's row may be when its answer leaves; if it is older, the claim is renewed first.
    public var claimTolerance: Duration

    /// How long a stopping manager waits for clients that do not read their answers.
    public var stopTimeout: TimeAmount

    /// The unanswered commands of a connection from which on no more is read from it.
    public var queueLimits: QueueLimits

    /// The other bounds on what clients can use.
    public var limits: ConnectionLimits

    /// The most bytes of bodies, commands and answers for all connections together; see ``MemoryBudget``.
    ///
    /// At least four times ``maximumTaskSize`` per lane.
    public var maximumMemory: Int

    /// The principals that clients have to be, on listeners that are not open; `nil` if every client may do everything.
    public var access: AccessList?

    /// Returns the default of ``maximumMemory``: 256 MiB, or more if tasks of this size need it.
    ///
    /// - Parameters:
    ///   - maximumTaskSize: the most bytes per body of a task.
    ///   - lanes: the number of event loops on which the manager runs.
    /// - Returns: bytes.
    public static func usualMemory(maximumTaskSize: Int, lanes: Int = 1) -> Int {
        max(256 << 20, leastMemory(maximumTaskSize: maximumTaskSize, lanes: lanes))
    }

    /// Returns the least memory that works with tasks of a size.
    public static func leastMemory(maximumTaskSize: Int, lanes: Int = 1) -> Int {
        MemoryBudget.leastTasks * maximumTaskSize * lanes
    }

    /// Bounds on the commands that wait in memory for one connection.
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
