import TaskStore

/// A state in which the tasks of a tube have an order, and an index for it.
enum OrderedState: String {
    case pending
    case delayed
    case buried

    /// Returns nil for claimed tasks, which have no order within a tube.
    init?(_ state: TaskState) {
        switch state {
        case .pending: self = .pending
        case .delayed: self = .delayed
        case .buried: self = .buried
        case .claimed: return nil
        }
    }

    /// The column that gives the order; the id decides between equal values.
    var orderColumn: String {
        switch self {
        case .pending: "priority"
        case .delayed: "due_ms"
        case .buried: "buried_order"
        }
    }

    /// Makes a query for the first tasks of tube `?1` in this state.
    ///
    /// It repeats the predicate of the state's partial index literally, or SQLite would not use the index.
    func firstTasks(_ columns: String = "id", limit: String) -> String {
        """
        SELECT \(columns) FROM task_state
        WHERE state = '\(rawValue)' AND tube_id = ?1 ORDER BY \(orderColumn), id LIMIT \(limit)
        """
    }
}
