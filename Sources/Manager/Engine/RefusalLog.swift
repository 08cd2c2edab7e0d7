internal import TaskStore

/// Notes which commands are refused for lack of room, so that the log has one line when that begins and one when it
/// ends.
///
/// On a disk that is nearly full, small tasks may be taken while large ones are refused. So the refusals have ended
/// only if a task was taken and none was refused for a while. There are at most two lines per cause in that time,
/// whatever the number of puts.
struct RefusalLog {
    /// The commands that are refused, and the reason.
    enum Cause: Hashable {
        /// Puts; all other commands work.
        case puts(NoRoom)

        /// All commands that write.
        case everything
    }

    /// A cause for which commands are not refused any more.
    struct Ended: Equatable {
        var cause: Cause

        /// How many commands were refused.
        var count: Int

        /// Whether a command was carried out since.
        ///
        /// If not, all were refused to the end.
        var isTakenSince: Bool
    }

    private struct Refusal {
        var count = 0
        var last: ContinuousClock.Instant
        var isTakenSince = false
    }

    private var refusals: [Cause: Refusal] = [:]

    /// The time without a refusal after which the refusals have ended.
    static let quiet = Duration.seconds(2)

    /// Whether nothing is refused.
    var isEmpty: Bool { refusals.isEmpty }

    /// Notes commands that were refused.
    ///
    /// - Returns: whether the refusals begin with these commands.
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
    /// - Parameter hasPuts: whether tasks were added. If not, it is only known that writing is possible.
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
