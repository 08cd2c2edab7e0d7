internal import TaskStore

/// Tubes in the order in which they were named, with a number of tasks for each.
struct OwedTasks {
    private var order: [TubeName] = []
    private var tasks: [TubeName: Int] = [:]

    var isEmpty: Bool { order.isEmpty }

    /// Counts tasks of a tube in.
    mutating func add(_ count: Int, of tube: TubeName) {
        if let known = tasks.updateValue(count, forKey: tube) {
            tasks[tube] = known + count
        } else {
            order.append(tube)
        }
    }

    /// Notes a number for a tube unless a larger one is noted.
    mutating func raise(_ count: Int, of tube: TubeName) {
        if let known = tasks[tube] {
            tasks[tube] = max(known, count)
        } else {
            tasks[tube] = count
            order.append(tube)
        }
    }

    /// Forgets a tube's number; the tube is not among those of ``take()`` any more.
    mutating func remove(_ tube: TubeName) {
        tasks[tube] = nil
    }

    /// Takes out all tubes with their numbers.
    mutating func take() -> [(tube: TubeName, tasks: Int)] {
        defer { removeAll() }
        return order.compactMap { tube in tasks[tube].map { (tube, $0) } }
    }

    /// Forgets everything.
    mutating func removeAll() {
        guard !order.isEmpty else { return }
        order.removeAll(keepingCapacity: true)
        tasks.removeAll(keepingCapacity: true)
    }
}
