internal import TaskStore

/// Tubes in the order in which they were named, with a number of tasks for each.
struct OwedTasks {
    private var order: [TubeName] = []
    private var tasks: [TubeName: Int] = [:]

    var isEmpty: Bool { order.isEmpty }

    /// Adds a number of tasks to a tube's number.
    mutating func add(_ count: Int, of tube: TubeName) {
        if let known = tasks.updateValue(count, forKey: tube) {
            tasks[tube] = known + count
        } else {
            order.append(tube)
        }
    }

    /// Sets a tube's number, unless it is larger already.
    mutating func raise(_ count: Int, of tube: TubeName) {
        if let known = tasks[tube] {
            tasks[tube] = max(known, count)
        } else {
            tasks[tube] = count
            order.append(tube)
        }
    }

    /// Removes a tube's number; ``take()`` does not return the tube any more.
    mutating func remove(_ tube: TubeName) {
        tasks[tube] = nil
    }

    /// Removes and returns all tubes with their numbers.
    mutating func take() -> [(tube: TubeName, tasks: Int)] {
        defer { removeAll() }
        return order.compactMap { tube in tasks[tube].map { (tube, $0) } }
    }

    /// Removes all tubes.
    mutating func removeAll() {
        guard !order.isEmpty else { return }
        order.removeAll(keepingCapacity: true)
        tasks.removeAll(keepingCapacity: true)
    }
}
