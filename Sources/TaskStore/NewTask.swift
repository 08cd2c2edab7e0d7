/// A task as a producer hands it in.
public struct NewTask: Sendable, Equatable {
    /// The tube it goes to, made if it does not exist.
    public var tube: TubeName

    /// Smaller is more urgent; below 1024 it counts as urgent in the statistics.
    public var priority: UInt32

    /// Seconds before it becomes pending; 0 for at once.
    public var delay: UInt32

    /// Seconds a consumer may hold it; at least 1.
    public var timeToRun: UInt32

    /// The body, never looked at.
    public var body: [UInt8]

    /// Makes a task.
    public init(tube: TubeName, priority: UInt32, delay: UInt32, timeToRun: UInt32, body: [UInt8]) {
        self.tube = tube
        self.priority = priority
        self.delay = delay
        self.timeToRun = timeToRun
        self.body = body
    }
}

/// A claim that a named session held when it was taken up.
public struct HeldClaim: Sendable, Equatable {
    /// The task's number.
    public var id: TaskID

    /// The tube it came from.
    public var tube: TubeName

    /// Seconds the session may hold it from a touch on.
    public var timeToRun: UInt32

    /// Milliseconds until the claim ends.
    public var timeLeft: Int64

    /// Makes a held claim.
    public init(id: TaskID, tube: TubeName, timeToRun: UInt32, timeLeft: Int64) {
        self.id = id
        self.tube = tube
        self.timeToRun = timeToRun
        self.timeLeft = timeLeft
    }
}

/// A task as a consumer receives it.
public struct ClaimedTask: Sendable, Equatable {
    /// The task's number.
    public var id: TaskID

    /// The tube it came from.
    public var tube: TubeName

    /// Seconds the session may hold it, counted from the claim and again from each touch.
    public var timeToRun: UInt32

    /// The body as it was put.
    public var body: [UInt8]

    /// Makes a claimed task.
    public init(id: TaskID, tube: TubeName, timeToRun: UInt32, body: [UInt8]) {
        self.id = id
        self.tube = tube
        self.timeToRun = timeToRun
        self.body = body
    }
}
