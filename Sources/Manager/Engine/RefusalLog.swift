internal import TaskStore

/// Knows what is refused for lack of room, so that the log has a line when that begins and one when it ends.
///
/// On a disk that is nearly full, small tasks may be taken while large ones are refused. So it is over only when something was
/// taken and nothing was refused for a while. However many puts come, there are at most two lines per cause in that time.
struct RefusalLog {
    /// What is refused, and why.
    enum Cause: Hashable {
        /// Puts; all else goes on.
        case puts(NoRoom)

        /// Whatever writes.
        case everything
    }

    /// Something that is not refused any more.
    struct Ended: Equatable {
        var cause: Cause

        /// How many commands were refused.
        var count: Int

        /// Whether something was taken since, and not all was refused to the end.
        var isTakenSince: Bool
    }

    private struct Refusal {
        var count = 0
        var last: ContinuousClock.Instant
        var isTakenSince = false
    }

    private var refusals: [Cause: Refusal] = [:]

    /// For how long nothing may have been refused before it counts as over.
    static let quiet = Duration.seconds(2)

    /// Whether nothing is refused.
    var isEmpty: Bool { refusals.isEmpty }

    /// Notes commands that were refused.
    ///
    /// - Returns: whether this is the beginning.
    mutating func refused(_ count: Int, _ cause: Cause, at now: ContinuousClock.Instant) -> Bool {
        let begins = refusals[cause] == nil
        var refusal = refusals[cause] ?? Refusal(last: now)
        refusal.count += count
        refusal.last = now
        refusal.isTakenSince = false
        refusals[cause] = refusal
        return begins
    }

    /// Notes a batch that was carried out.
    ///
    /// - Parameter hasPuts: whether tasks were added. If not, only writing as such goes on.
    mutating func carriedOut(hasPuts: Bool) {
        for cause in refusals.keys where hasPuts || cause == .everything { refusals[cause]?.isTakenSince = true }
    }

    /// Returns what has ended, and forgets it.
    mutating func takeEnded(at now: ContinuousClock.Instant) -> [Ended] {
        take { $0.isTakenSince && now - $0.last >= Self.quiet }
    }

    /// Returns everything that is refused, and forgets it: the manager leaves.
    mutating func takeAll() -> [Ended] {
        take { _ in true }
    }

    private mutating func take(_ isTaken: (Refusal) -> Bool) -> [Ended] {
        let ended = refusals.filter { isTaken($0.value) }
        for cause in ended.keys { refusals[cause] = nil }
        return ended.map { Ended(cause: $0.key, count: $0.value.count, isTakenSince: $0.value.isTakenSince) }
    }
}
