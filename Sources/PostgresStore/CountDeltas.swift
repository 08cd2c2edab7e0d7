import TaskStore

/// How much a batch changes a tube's counts.
struct CountDeltas: Equatable {
    var pending: Int64 = 0
    var urgent: Int64 = 0
    var delayed: Int64 = 0
    var claimed: Int64 = 0
    var buried: Int64 = 0
    var totalTasks: Int64 = 0
    var deletes: Int64 = 0

    /// Counts tasks into a state, or out of it.
    ///
    /// - Parameters:
    ///   - count: how many; negative for out.
    ///   - urgent: how many of them have an urgent priority, with the same sign.
    ///   - state: the state that gets or loses them.
    mutating func add(_ count: Int64, urgent: Int64, _ state: TaskState) {
        switch state {
        case .pending:
            pending += count
            self.urgent += urgent
        case .delayed: delayed += count
        case .claimed: claimed += count
        case .buried: buried += count
        }
    }

    /// The parameters of ``Statement/settle`` that say all this.
    func write(to parameters: inout Parameters) {
        for change in [pending, urgent, delayed, claimed, buried, totalTasks, deletes] { parameters.add(change) }
    }
}

/// The changes of all tubes that a batch has touched.
struct Tally {
    private(set) var deltas: [String: CountDeltas] = [:]

    /// Tubes out of which others may be able to claim more than before.
    private(set) var awakened: Set<String> = []

    /// Tubes out of which tasks were deleted.
    private(set) var shrunk: Set<String> = []

    subscript(tube: String) -> CountDeltas { deltas[tube] ?? CountDeltas() }

    /// The changes of all tubes together.
    var total: CountDeltas {
        deltas.values.reduce(into: CountDeltas()) { sum, one in
            sum.pending += one.pending
            sum.urgent += one.urgent
            sum.delayed += one.delayed
            sum.claimed += one.claimed
            sum.buried += one.buried
        }
    }

    /// Counts a task from one state to another.
    mutating func move(_ tube: String, from old: TaskState, to new: TaskState, oldPriority: Int64, newPriority: Int64) {
        deltas[tube, default: CountDeltas()].add(-1, urgent: oldPriority < QueueRules.urgentBelow ? -1 : 0, old)
        deltas[tube, default: CountDeltas()].add(1, urgent: newPriority < QueueRules.urgentBelow ? 1 : 0, new)
        if new == .pending { awakened.insert(tube) }
    }

    /// Counts tasks that became pending.
    mutating func makePending(_ count: Int64, urgent: Int64, _ tube: String, from old: TaskState) {
        guard count > 0 else { return }
        deltas[tube, default: CountDeltas()].add(-count, urgent: -urgent, old)
        deltas[tube, default: CountDeltas()].add(count, urgent: urgent, .pending)
        awakened.insert(tube)
    }

    /// Counts a new task.
    mutating func put(_ tube: String, priority: Int64, isDelayed: Bool) {
        let urgent: Int64 = priority < QueueRules.urgentBelow ? 1 : 0
        deltas[tube, default: CountDeltas()].add(1, urgent: urgent, isDelayed ? .delayed : .pending)
        deltas[tube, default: CountDeltas()].totalTasks += 1
        if !isDelayed { awakened.insert(tube) }
    }

    /// Counts tasks that are gone.
    mutating func delete(_ count: Int64, urgent: Int64, _ tube: String, from state: TaskState) {
        guard count > 0 else { return }
        deltas[tube, default: CountDeltas()].add(-count, urgent: -urgent, state)
        deltas[tube, default: CountDeltas()].deletes += count
        shrunk.insert(tube)
    }

    /// The tube's pause is over.
    mutating func unpause(_ tube: String) {
        awakened.insert(tube)
    }

    /// The tube is gone, and all that was counted with it.
    mutating func remove(_ tube: String) {
        deltas[tube] = nil
        awakened.remove(tube)
        shrunk.remove(tube)
    }

    /// What has changed, in one order over all managers, though each has its own rows.
    private var changed: [(key: String, value: CountDeltas)] {
        deltas.filter { $0.value != CountDeltas() }.sorted { $0.key < $1.key }
    }

    /// The tube that has changed, where it is one.
    var onlyChange: (tube: String, deltas: CountDeltas)? {
        guard deltas.count == 1, let only = deltas.first, only.value != CountDeltas() else { return nil }
        return (only.key, only.value)
    }

    /// The parameters of ``Statement/finishBatch`` that say all this.
    func write(to parameters: inout Parameters) {
        let changed = changed
        parameters.add(changed.map(\.key))
        parameters.add(changed.map(\.value.pending))
        parameters.add(changed.map(\.value.urgent))
        parameters.add(changed.map(\.value.delayed))
        parameters.add(changed.map(\.value.claimed))
        parameters.add(changed.map(\.value.buried))
        parameters.add(changed.map(\.value.totalTasks))
        parameters.add(changed.map(\.value.deletes))
    }
}
