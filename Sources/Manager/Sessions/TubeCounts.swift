internal import TaskStore

/// Tubes in the order in which they were named, with a number for each.
struct TubeCounts {
    private var order: [TubeName] = []
    private var counts: [TubeName: Int] = [:]

    var isEmpty: Bool { order.isEmpty }

    /// Adds to a tube's number.
    mutating func add(_ count: Int, of tube: TubeName) {
        if let known = counts.updateValue(count, forKey: tube) {
            counts[tube] = known + count
        } else {
            order.append(tube)
        }
    }

    /// Sets a tube's number, unless it is larger already.
    mutating func raise(_ count: Int, of tube: TubeName) {
        if let known = counts[tube] {
            counts[tube] = max(known, count)
        } else {
            counts[tube] = count
            order.append(tube)
        }
    }

    /// Removes a tube's number; ``take()`` does not return the tube any more.
    mutating func remove(_ tube: TubeName) {
        counts[tube] = nil
    }

    /// Removes and returns all tubes with their numbers.
    mutating func take() -> [(tube: TubeName, count: Int)] {
        defer { removeAll() }
        return order.compactMap { tube in counts[tube].map { (tube, $0) } }
    }

    /// Removes all tubes.
    mutating func removeAll() {
        guard !order.isEmpty else { return }
        order.removeAll(keepingCapacity: true)
        counts.removeAll(keepingCapacity: true)
    }
}
