/// Decides which managers are dead, without asking any clock but this process's own.
///
/// A manager is dead if two looks saw its counter at the same value, the second begun a full lease after the first had ended.
/// Whatever makes looks unreliable starts this from the beginning: a lost connection, a look that took long, a pause between
/// two looks. Then the server, or this process, may have stood still, and the others could say nothing.
struct Judge {
    /// A manager, as a look has seen it.
    struct Sight {
        var manager: Int64

        /// A counter that stands still only while the manager shows no sign of life.
        var pulse: Int64
        var lease: Duration

        /// Another manager has taken it for dead already.
        var isDead: Bool
    }

    /// A manager to bury.
    struct Verdict: Equatable {
        var manager: Int64

        /// The counter that must still be the same; nil if the manager was taken for dead before.
        var pulse: Int64?
    }

    private let lease: Duration
    private var seen: [Int64: (pulse: Int64, ended: ContinuousClock.Instant)] = [:]
    private var lastLook: ContinuousClock.Instant?

    /// Makes a judge that has seen nothing.
    ///
    /// - Parameter lease: this manager's own; for how long looks may take.
    init(lease: Duration) {
        self.lease = lease
    }

    /// Forgets what it has seen: the connection was lost.
    mutating func startOver() {
        seen.removeAll()
        lastLook = nil
    }

    /// Judges by one more look.
    ///
    /// - Parameters:
    ///   - sights: all managers but this one.
    ///   - begun: before the server looked.
    ///   - ended: after the server looked.
    /// - Returns: the dead.
    mutating func look(
        _ sights: [Sight],
        begun: ContinuousClock.Instant,
        ended: ContinuousClock.Instant
    ) -> [Verdict] {
        let isSlow = ended - begun > lease / 2
        let isLate = lastLook.map { begun - $0 > lease } ?? false
        if isSlow || isLate { startOver() }
        lastLook = ended
        var verdicts: [Verdict] = []
        var next: [Int64: (pulse: Int64, ended: ContinuousClock.Instant)] = [:]
        for sight in sights {
            if sight.isDead {
                verdicts.append(Verdict(manager: sight.manager, pulse: nil))
            } else if let known = seen[sight.manager], known.pulse == sight.pulse {
                next[sight.manager] = known
                if begun - known.ended >= sight.lease {
                    verdicts.append(Verdict(manager: sight.manager, pulse: sight.pulse))
                }
            } else {
                next[sight.manager] = (sight.pulse, ended)
            }
        }
        seen = next
        return verdicts
    }
}
