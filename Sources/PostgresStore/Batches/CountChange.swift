import TaskStore

/// By how much a batch changes a tube's counts.
struct CountChange: Equatable {
    var pending: Int64 = 0
    var urgent: Int64 = 0
    var delayed: Int64 = 0
    var claimed: Int64 = 0
    var buried: Int64 = 0
    var totalTasks: Int64 = 0
    var deletes: Int64 = 0

    /// All values, in the order in which the functions take them.
    static var all: [KeyPath<CountChange, Int64>] {
        [\.pending, \.urgent, \.delayed, \.claimed, \.buried, \.totalTasks, \.deletes]
    }

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
}
