import TaskStore

/// A manager's row.
struct ManagerRow {
    var id: ManagerID
    var name: String
    var slot: Int
}
