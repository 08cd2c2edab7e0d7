import TaskStore

/// The tubes whose rows this manager has read.
///
/// A tube that this manager's connections use or watch cannot be removed, so it stays here. The others stay until
/// another connection has committed.
struct TubeCache {
    private var byName: [TubeName: Tube] = [:]
    private var byID: [Int64: Tube] = [:]

    /// Tubes that another manager may remove.
    private var unprotected: [Tube] = []

    /// The number of tubes.
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

    /// Notes that no connection of this manager uses or watches a tube any more.
    mutating func noteUnprotected(_ tube: Tube) {
        if byID[tube.id] === tube { unprotected.append(tube) }
    }

    /// Drops all tubes that another manager may have removed by now.
    mutating func dropUnprotected() {
        for tube in unprotected where !tube.isProtected { remove(tube) }
        unprotected.removeAll(keepingCapacity: true)
    }

    /// Limits the number of tubes that may be dropped.
    mutating func limitUnprotected() {
        if unprotected.count > Self.mostUnprotected { dropUnprotected() }
    }

    private static let mostUnprotected = 1000
}
