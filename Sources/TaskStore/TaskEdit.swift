/// What an operator changes in a task that no session holds.
public struct TaskEdit: Sendable, Equatable {
    /// The new priority; `nil` if it stays.
    public var priority: UInt32?

    /// The seconds from now until the task becomes pending, 0 for at once; `nil` if nothing changes.
    ///
    /// A buried task has no delay to change.
    public var delay: UInt32?

    /// The new time to run in seconds, at least 1; `nil` if it stays.
    public let timeToRun: UInt32?

    /// Makes a change.
    ///
    /// - Parameters:
    ///   - priority: the new priority.
    ///   - delay: the seconds until the task becomes pending.
    ///   - timeToRun: the new time to run; 0 is raised to 1, as in a put.
    public init(priority: UInt32? = nil, delay: UInt32? = nil, timeToRun: UInt32? = nil) {
        self.priority = priority
        self.delay = delay
        self.timeToRun = timeToRun.map { max($0, 1) }
    }

    /// Whether nothing changes.
    public var isEmpty: Bool { priority == nil && delay == nil && timeToRun == nil }
}
