import TaskStore

/// What the operations on one task need to know of it.
struct TaskRow {
    var id: Int64
    var tube: Int64
    var state: TaskState
    var priority: Int64
    var timeToRun: Int64 = 0
    var due: Int64 = 0
    var holder: Int64 = 0
    var isKeyed: Bool
}
