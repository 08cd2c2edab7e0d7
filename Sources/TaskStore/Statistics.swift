/// How many tasks are in each state.
public struct TaskCounts: Sendable, Equatable {
    /// Waiting for a consumer.
    public var pending = 0

    /// Pending with a priority below 1024.
    public var urgent = 0

    /// Held by a session.
    public var claimed = 0

    /// Waiting for their delay to pass.
    public var delayed = 0

    /// Set aside.
    public var buried = 0

    /// All zero.
    public init() {}
}

/// The statistics of one task.
public struct TaskStatistics: Sendable, Equatable {
    /// The task's number.
    public var id: TaskID

    /// Its tube.
    public var tube: TubeName

    /// Its state.
    public var state: TaskState

    /// Its priority, as of the last put, release or bury.
    public var priority: UInt32

    /// Milliseconds since it was put.
    public var age: Int64

    /// The delay of the last put or release, in seconds.
    public var delay: UInt32

    /// Its time to run, in seconds.
    public var timeToRun: UInt32

    /// Milliseconds until the delay or the claim ends; 0 in the other states, negative if overdue.
    public var timeLeft: Int64

    /// How often it was claimed.
    public var reserves: Int

    /// How often the time of a claim was over.
    public var timeouts: Int

    /// How often a consumer released it.
    public var releases: Int

    /// How often it was buried.
    public var buries: Int

    /// How often it was kicked.
    public var kicks: Int

    /// Makes statistics with all counters given.
    public init(
        id: TaskID,
        tube: TubeName,
        state: TaskState,
        priority: UInt32,
        age: Int64,
        delay: UInt32,
        timeToRun: UInt32,
        timeLeft: Int64,
        reserves: Int,
        timeouts: Int,
        releases: Int,
        buries: Int,
        kicks: Int
    ) {
        self.id = id
        self.tube = tube
        self.state = state
        self.priority = priority
        self.age = age
        self.delay = delay
        self.timeToRun = timeToRun
        self.timeLeft = timeLeft
        self.reserves = reserves
        self.timeouts = timeouts
        self.releases = releases
        self.buries = buries
        self.kicks = kicks
    }
}

/// The statistics of one tube, over all managers.
public struct TubeStatistics: Sendable, Equatable {
    /// The tube.
    public var name: TubeName

    /// Its tasks by state.
    public var counts: TaskCounts

    /// Tasks that were put since the tube exists.
    public var totalTasks: Int

    /// Tasks that were deleted since the tube exists.
    public var deletes: Int

    /// How often it was paused since it exists.
    public var pauses: Int

    /// Connections that use it for their puts.
    public var using: Int

    /// Connections that watch it.
    public var watching: Int

    /// The length of the present pause in seconds; 0 if the tube is not paused.
    public var pause: UInt32

    /// Milliseconds until the pause ends; 0 if the tube is not paused.
    public var pauseTimeLeft: Int64

    /// Milliseconds since the oldest pending task was put; 0 if no task is pending.
    public var oldestPendingAge: Int64

    /// Makes the statistics of a new tube.
    public init(name: TubeName) {
        self.name = name
        self.counts = TaskCounts()
        self.totalTasks = 0
        self.deletes = 0
        self.pauses = 0
        self.using = 0
        self.watching = 0
        self.pause = 0
        self.pauseTimeLeft = 0
        self.oldestPendingAge = 0
    }
}

/// The statistics of the whole store, over all managers.
public struct StoreStatistics: Sendable, Equatable {
    /// The tasks of all tubes by state.
    public var counts: TaskCounts

    /// Tasks ever put into the store.
    public var totalTasks: Int

    /// Tubes that exist now.
    public var tubes: Int

    /// Makes statistics.
    public init(counts: TaskCounts, totalTasks: Int, tubes: Int) {
        self.counts = counts
        self.totalTasks = totalTasks
        self.tubes = tubes
    }
}
