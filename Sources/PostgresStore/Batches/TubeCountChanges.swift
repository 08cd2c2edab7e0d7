import TaskStore

/// The changes of the counts of all tubes that a batch has changed.
struct TubeCountChanges {
    private var changes: [String: CountChange] = [:]

    /// Tubes from which other sessions may be able to claim more than before.
    private(set) var moreToClaim: Set<String> = []

    /// Tubes of which tasks were deleted.
    private(set) var shrunk: Set<String> = []

    subscript(tube: String) -> CountChange { changes[tube] ?? CountChange() }

    /// The changes of the numbers of tasks of all tubes together.
    var total: CountChange {
        changes.values.reduce(into: CountChange()) { sum, one in
            sum.pending += one.pending
            sum.urgent += one.urgent
            sum.delayed += one.delayed
            sum.claimed += one.claimed
            sum.buried += one.buried
        }
    }

    /// The tubes that have changed, in the same order at all managers, so that these cannot block each other.
    var all: [(tube: String, change: CountChange)] {
        changes.filter { $0.value != CountChange() }.map { (tube: $0.key, change: $0.value) }
            .sorted { $0.tube < $1.tube }
    }

    /// Counts a new task.
    mutating func put(_ tube: String, priority: Int64, isDelayed: Bool) {
        let urgent: Int64 = priority < QueueRules.urgentBelow ? 1 : 0
        changes[tube, default: CountChange()].add(1, urgent: urgent, isDelayed ? .delayed : .pending)
        changes[tube, default: CountChange()].totalTasks += 1
        if !isDelayed { moreToClaim.insert(tube) }
    }

    /// Counts a task that was claimed.
    mutating func claim(_ tube: String, priority: Int64, from state: TaskState) {
        let urgent: Int64 = priority < QueueRules.urgentBelow ? 1 : 0
        changes[tube, default: CountChange()].add(-1, urgent: -urgent, state)
        changes[tube, default: CountChange()].claimed += 1
    }

    /// Counts a claim that has ended, and the state of the task since.
    mutating func endClaim(_ tube: String, to state: TaskState, priority: Int64) {
        let urgent: Int64 = priority < QueueRules.urgentBelow ? 1 : 0
        changes[tube, default: CountChange()].claimed -= 1
        changes[tube, default: CountChange()].add(1, urgent: urgent, state)
        if state == .pending { moreToClaim.insert(tube) }
    }

    /// Counts tasks that became pending.
    mutating func makePending(_ count: Int64, urgent: Int64, _ tube: String, from state: TaskState) {
        guard count > 0 else { return }
        changes[tube, default: CountChange()].add(-count, urgent: -urgent, state)
        changes[tube, default: CountChange()].add(count, urgent: urgent, .pending)
        moreToClaim.insert(tube)
    }

    /// Counts tasks that were deleted.
    mutating func delete(_ count: Int64, urgent: Int64, _ tube: String, from state: TaskState) {
        guard count > 0 else { return }
        changes[tube, default: CountChange()].add(-count, urgent: -urgent, state)
        changes[tube, default: CountChange()].deletes += count
        shrunk.insert(tube)
    }

    /// Counts tasks that an operator has moved from one tube to another.
    mutating func move(_ count: Int64, urgent: Int64, from former: String, to tube: String, _ stateName: String) {
        guard count > 0, former != tube, let state = TaskState(rawValue: stateName) else { return }
        changes[former, default: CountChange()].add(-count, urgent: -urgent, state)
        changes[tube, default: CountChange()].add(count, urgent: urgent, state)
        if state == .pending { moreToClaim.insert(tube) }
    }

    /// Counts a task that an operator has edited.
    ///
    /// - Parameters:
    ///   - tube: its tube.
    ///   - old: its state and priority before.
    ///   - state: its state now; nil if it is the same.
    ///   - priority: its priority now; nil if it is the same.
    mutating func edit(
        _ tube: String,
        from old: (state: String, priority: Int64),
        to state: TaskState?,
        priority: Int64?
    ) {
        guard let former = TaskState(rawValue: old.state) else { return }
        let state = state ?? former
        func urgent(_ priority: Int64) -> Int64 { priority < QueueRules.urgentBelow ? 1 : 0 }
        changes[tube, default: CountChange()].add(-1, urgent: -urgent(old.priority), former)
        changes[tube, default: CountChange()].add(1, urgent: urgent(priority ?? old.priority), state)
        if state == .pending, former != .pending { moreToClaim.insert(tube) }
    }

    /// Notes that a tube's pause has ended.
    mutating func endPause(_ tube: String) {
        moreToClaim.insert(tube)
    }

    /// Removes a tube, with all that was counted for it.
    mutating func remove(_ tube: String) {
        changes[tube] = nil
        moreToClaim.remove(tube)
        shrunk.remove(tube)
    }
}
