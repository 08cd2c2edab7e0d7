/// A task as a producer puts it.
public struct NewTask: Sendable, Equatable {
    /// The tube of the task; it is made if it does not exist.
    public var tube: TubeName

    /// The priority: smaller is more urgent.
    ///
    /// Below ``QueueRules/urgentBelow`` the task counts as urgent in the statistics.
    public var priority: UInt32

    /// The seconds before it becomes pending; 0 for at once.
    public var delay: UInt32

    /// The seconds for which a consumer may hold it; at least 1.
    public let timeToRun: UInt32

    /// The body, which is never interpreted.
    public var body: [UInt8]

    /// A name with which the task is not added twice; `nil` for none.
    ///
    /// The task is not added if the tube has a task with this key, or if such a task was deleted less than the store's
    /// retention time ago.
    public var key: UniqueKey?

    /// Makes a task.
    ///
    /// - Parameters:
    ///   - tube: the tube it goes to.
    ///   - priority: smaller is more urgent.
    ///   - delay: seconds before it becomes pending.
    ///   - timeToRun: the seconds for which a consumer may hold it; 0 is raised to 1 (protocol.txt, "put").
    ///   - body: the body.
    ///   - key: a name with which it is not added twice.
    public init(
        tube: TubeName,
        priority: UInt32,
        delay: UInt32,
        timeToRun: UInt32,
        body: [UInt8],
        key: UniqueKey? = nil
    ) {
        self.tube = tube
        self.priority = priority
        self.delay = delay
        self.timeToRun = max(timeToRun, 1)
        self.body = body
        self.key = key
    }
}
