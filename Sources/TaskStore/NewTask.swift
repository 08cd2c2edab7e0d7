/// A task as a producer hands it in.
public struct NewTask: Sendable, Equatable {
    /// The tube it goes to, made if it does not exist.
    public var tube: TubeName

    /// Smaller is more urgent; below ``QueueRules/urgentBelow`` it counts as urgent in the statistics.
    public var priority: UInt32

    /// Seconds before it becomes pending; 0 for at once.
    public var delay: UInt32

    /// Seconds a consumer may hold it; at least 1.
    public let timeToRun: UInt32

    /// The body, never looked at.
    public var body: [UInt8]

    /// A name that keeps the task from being added twice; nil for none.
    ///
    /// With a key the task is added unless one with this key was added to the tube and is still there, or was deleted less
    /// than the store's retention time ago.
    public var key: UniqueKey?

    /// Makes a task.
    ///
    /// - Parameters:
    ///   - tube: the tube it goes to.
    ///   - priority: smaller is more urgent.
    ///   - delay: seconds before it becomes pending.
    ///   - timeToRun: seconds a consumer may hold it; 0 is raised to 1 (protocol.txt, "put").
    ///   - body: the body.
    ///   - key: a name that keeps it from being added twice.
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
