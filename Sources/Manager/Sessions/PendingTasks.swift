internal import TaskStore

/// Tasks that the operations of a batch make pending, and for which no waiting session is served yet.
struct PendingTasks {
    /// What is known of the tasks.
    private enum Scope {
        /// Their tubes.
        case tubes

        /// Nothing: they may be in any tube.
        case anyTube
    }

    /// What has to be served.
    enum Taken {
        /// Every session that waits.
        case anyTube

        /// Sessions that wait for these tubes, with the numbers of tasks.
        case tubes([(tube: TubeName, count: Int)])
    }

    private var tubes = TubeCounts()
    private var scope = Scope.tubes

    var isEmpty: Bool { tubes.isEmpty && scope == .tubes }

    /// Adds tasks of a tube.
    mutating func add(_ count: Int, of tube: TubeName) {
        tubes.add(count, of: tube)
    }

    /// Adds tasks of unknown tubes.
    mutating func addAnywhere() {
        scope = .anyTube
    }

    /// Removes and returns the tasks.
    mutating func take() -> Taken {
        guard scope == .anyTube else { return .tubes(tubes.take()) }
        scope = .tubes
        tubes.removeAll()
        return .anyTube
    }
}
