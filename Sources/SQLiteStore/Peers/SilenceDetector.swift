/// Finds managers whose event loop stands still although their process lives, because it is stopped or hangs.
///
/// Each event loop counts its turns in the shared page. Times are on this process's clock.
struct SilenceDetector {
    /// A manager counts as silent after this long without a turn.
    ///
    /// It normally has a turn every half second.
    let limit: Duration

    /// By slot: the number of turns, and since when it has been the same.
    private var seen: [Int: (turns: UInt64, since: ContinuousClock.Instant)] = [:]

    init(limit: Duration) {
        self.limit = limit
    }

    /// Notes the number of turns of the manager in a slot.
    ///
    /// - Returns: whether it has had no turn for longer than ``limit``.
    mutating func note(_ turns: UInt64, of slot: Int, at now: ContinuousClock.Instant) -> Bool {
        guard let last = seen[slot], last.turns == turns else {
            seen[slot] = (turns, now)
            return false
        }
        return now - last.since >= limit
    }

    /// Sets since when the manager in a slot has had no turn, for tests.
    mutating func setStart(of slot: Int, to start: ContinuousClock.Instant) {
        if let turns = seen[slot]?.turns { seen[slot] = (turns, start) }
    }

    /// Forgets the managers in all slots but some.
    mutating func keep(_ slots: [Int]) {
        seen = seen.filter { slots.contains($0.key) }
    }
}
