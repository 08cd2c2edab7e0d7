import TaskStore

/// The tubes whose rows this manager has read.
///
/// A tube that this manager's connections use or watch cannot go away, so it stays. The others stay until somebody else has
/// committed.
struct TubeCache {
    private var byName: [TubeName: Tube] = [:]
    private var byID: [Int64: Tube] = [:]

    /// Tubes that may have to go when somebody else commits.
    private var unprotected: [Tube] = []

    /// How many there are.
    var count: Int { byID.count }

    subscript(name: TubeName) -> Tube? { byName[name] }

    subscript(id: Int64) -> Tube? { byID[id] }

    mutating func insert(_ tube: Tube) {
        byName[tube.name] = tube
        byID[tube.id] = tube
        if !tube.isProtected { unprotected.append(tube) }
    }

    mutating func remove(_ tube: Tube) {
        if byID[tube.id] === tube { byID[tube.id] = nil }
        if byName[tube.name] === tube { byName[tube.name] = nil }
    }

    /// Notes that a tube lost its last connection of this manager.
    mutating func lostProtection(_ tube: Tube) {
        if byID[tube.id] === tube { unprotected.append(tube) }
    }

    /// Drops all tubes that another manager may have removed by now.
    mutating func dropUnprotected() {
        for tube in unprotected where !tube.isProtected { remove(tube) }
        unprotected.removeAll(keepingCapacity: true)
    }

    /// Keeps the number of tubes that need not stay within bounds.
    mutating func limitUnprotected() {
        if unprotected.count > Self.mostUnprotected { dropUnprotected() }
    }

    private static let mostUnprotected = 1000
}
