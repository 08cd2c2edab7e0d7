/// Notices managers whose event loop does not come round although their process lives: stopped, or hung.
///
/// Each event loop counts its turns in the shared page. Times are on this process's clock.
struct SilenceDetector {
    /// After this long without a turn a manager counts as silent; it has a turn every half second.
    let limit: Duration

    /// By slot: the turns, and since when they have been the same.
    private var seen: [Int: (turns: UInt64, since: ContinuousClock.Instant)] = [:]

    init(limit: Duration) {
        self.limit = limit
    }

    /// Notes how often the manager in a slot has come round.
    ///
    /// - Returns: whether it has been silent for longer than ``limit``.
    mutating func note(_ turns: UInt64, of slot: Int, at now: ContinuousClock.Instant) -> Bool {
        guard let last = seen[slot], last.turns == turns else {
            seen[slot] = (turns, now)
            return false
        }
        return now - last.since >= limit
    }

    /// Sets since when the manager in a slot has had no turn: for tests.
    mutating func setStart(of slot: Int, to start: ContinuousClock.Instant) {
        if let turns = seen[slot]?.turns { seen[slot] = (turns, start) }
    }

    /// Forgets the managers in all slots but some.
    mutating func keep(_ slots: [Int]) {
        seen = seen.filter { slots.contains($0.key) }
    }
}
