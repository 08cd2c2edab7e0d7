import TaskStore

/// How much a batch changes a tube's counts.
struct CountDeltas: Equatable {
    var pending = 0
    var urgent = 0
    var delayed = 0
    var claimed = 0
    var buried = 0
    var totalTasks = 0
    var deletes = 0

    /// How much the number of tasks in the tube changes.
    var tasks: Int { pending + delayed + claimed + buried }

    /// Counts a task into its state, or out of it.
    ///
    /// - Parameters:
    ///   - sign: 1 or −1.
    ///   - state: the state that gets or loses the task.
    ///   - priority: the task's priority while it is there.
    mutating func add(_ sign: Int, _ state: TaskState, priority: Int64) {
        switch state {
        case .pending:
            pending += sign
            if priority < QueueRules.urgentBelow { urgent += sign }
        case .delayed: delayed += sign
        case .claimed: claimed += sign
        case .buried: buried += sign
        }
    }
}

/// A tube as this manager knows it, with what the present batch does to it.
final class Tube {
    /// The number of the tube `default`, which always exists.
    static let defaultID: Int64 = 1

    let id: Int64
    let name: TubeName

    /// This manager's connections that use it, committed.
    var using = 0

    /// This manager's connections that watch it, committed.
    var watching = 0

    /// When its pause ends, nil if it is not paused; as of an edition of ``NextEvents``.
    var pause: (edition: Int, end: Int64?)?

    // What follows is of the present batch.

    /// Whether the batch has it on its list of tubes to write back.
    var isTouched = false

    /// Whether the batch made it.
    var isNew = false

    /// Whether the batch removed it.
    var isRemoved = false

    /// Whether ``usingDelta`` and ``watchingDelta`` have to be written.
    var usersChanged = false

    /// Whether the batch ended its pause.
    var wasUnpaused = false

    /// Changes of the counts that are not written yet.
    var deltas = CountDeltas()

    /// By how much the batch made its pending tasks more or fewer.
    var pendingGrowth = 0

    /// Changes of ``using`` and ``watching`` that are not written yet.
    var usingDelta = 0
    var watchingDelta = 0

    /// The first pending tasks.
    var front = Front()

    /// How many tasks the tube's row counts, once it was read in this batch.
    var rowTasks: Int?

    init(id: Int64, name: TubeName) {
        self.id = id
        self.name = name
    }

    /// Whether one of this manager's connections needs it, the batch's changes counted in.
    var isReferred: Bool { using + usingDelta > 0 || watching + watchingDelta > 0 }

    /// Whether its row belongs to this manager too, so that nobody else can remove it.
    var isProtected: Bool { using > 0 || watching > 0 || id == Self.defaultID }

    /// The bit that stands for it in masks of awaited tubes.
    var bit: UInt64 { 1 << UInt64(id & 63) }

    /// Whether the batch leaves more to claim in it than there was.
    var hasMoreToClaim: Bool { pendingGrowth > 0 || wasUnpaused }

    /// Forgets the batch.
    func endBatch() {
        isTouched = false
        isNew = false
        isRemoved = false
        usersChanged = false
        wasUnpaused = false
        deltas = CountDeltas()
        pendingGrowth = 0
        usingDelta = 0
        watchingDelta = 0
        front.reset()
        rowTasks = nil
    }
}
