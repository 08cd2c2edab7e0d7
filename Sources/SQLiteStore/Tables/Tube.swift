import TaskStore

/// A tube as this manager knows it, and what the present batch does to it.
final class Tube {
    /// The id of the tube `default`, which always exists.
    static let defaultID: Int64 = 1

    let id: Int64
    let name: TubeName

    /// This manager's connections that use it, committed.
    var using = 0

    /// This manager's connections that watch it, committed.
    var watching = 0

    /// When its pause ends, nil if it is not paused; valid for one generation of ``NextEvents``.
    var pause: (generation: Int, end: Int64?)?

    // What follows belongs to the present batch.

    /// Whether it is on the batch's list of tubes to write back.
    var isChanged = false

    /// Whether the batch made it.
    var isNew = false

    /// Whether the batch removed it.
    var isRemoved = false

    /// Whether ``usingDelta`` and ``watchingDelta`` have to be written.
    var usersChanged = false

    /// Whether the batch ended its pause.
    var wasUnpaused = false

    /// Changes of the counts that are not written yet.
    var deltas = CountDeltas()

    /// The change of the number of its pending tasks in the batch.
    var pendingGrowth = 0

    /// Changes of ``using`` and ``watching`` that are not written yet.
    var usingDelta = 0
    var watchingDelta = 0

    /// The first pending tasks.
    var prefetch = PendingPrefetch()

    /// The number of tasks that the tube's row counts.
    var rowTasks = Cached<Int>.unknown

    init(id: Int64, name: TubeName) {
        self.id = id
        self.name = name
    }

    /// Whether one of this manager's connections uses or watches it, with the batch's changes.
    var isUsedHere: Bool { using + usingDelta > 0 || watching + watchingDelta > 0 }

    /// Whether it cannot be removed by another manager, because this one uses it.
    var isProtected: Bool { using > 0 || watching > 0 || id == Self.defaultID }

    /// Its bit in masks of tubes.
    var bit: UInt64 { 1 << UInt64(id & 63) }

    /// Whether the batch leaves more to claim in it than it found.
    var hasMoreToClaim: Bool { pendingGrowth > 0 || wasUnpaused }

    /// Ends the batch.
    func endBatch() {
        isChanged = false
        isNew = false
        isRemoved = false
        usersChanged = false
        wasUnpaused = false
        deltas = CountDeltas()
        pendingGrowth = 0
        usingDelta = 0
        watchingDelta = 0
        prefetch.reset()
        rowTasks = .unknown
    }
}
