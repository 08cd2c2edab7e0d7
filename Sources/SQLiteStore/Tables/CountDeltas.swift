import TaskStore

/// The changes of a tube's counts that a batch makes.
struct CountDeltas: Equatable {
    var pending = 0
    var urgent = 0
    var delayed = 0
    var claimed = 0
    var buried = 0
    var totalTasks = 0
    var deletes = 0

    /// The change of the number of tasks in the tube.
    var tasks: Int { pending + delayed + claimed + buried }

    /// Counts a task that enters a state, or leaves it.
    ///
    /// - Parameters:
    ///   - sign: 1 or −1.
    ///   - state: the state.
    ///   - priority: the task's priority in that state.
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
