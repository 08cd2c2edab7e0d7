/// What a claim has to know of a pending task.
struct PendingTask: Equatable {
    var id: Int64
    var priority: Int64
    var timeToRun: Int64
    var isKeyed: Bool

    /// Returns whether it is claimed before another one: the smallest priority first, the oldest task first among
    /// equals.
    func precedes(_ other: PendingTask) -> Bool {
        (priority, id) < (other.priority, other.id)
    }
}

extension PendingTask {
    /// Takes a task's row, with the priority that the task has from now on.
    init(_ task: TaskRow, priority: Int64) {
        self.init(id: task.id, priority: priority, timeToRun: task.timeToRun, isKeyed: task.isKeyed)
    }
}
