import TaskStore

/// A manager's row.
struct ManagerRow {
    var id: ManagerID
    var name: String
    var slot: Int

    /// Whether it is to take no new tasks.
    var isToldToDrain = false
}
