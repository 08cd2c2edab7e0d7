/// Decides which managers are dead, by this process's own clock alone.
///
/// A manager is dead if two observations saw the same value of its counter, and the second began a full lease after the
/// first had ended. A lost connection, an observation that took long, and a pause between two observations start this again:
/// then the server or this process may have been stopped, and the other managers could not show that they are alive.
struct FailureDetector {
    /// What was read about a manager.
    struct Observation {
        var manager: Int64

        /// A counter that stays the same only while the manager shows no sign of life.
        var pulse: Int64
        var lease: Duration

        /// Whether another manager has already declared it dead.
        var isDead: Bool
    }

    /// A manager whose lease is over.
    struct ExpiredManager: Equatable {
        var manager: Int64

        /// The value that the counter must still have; nil if the manager was declared dead before.
        var pulse: Int64?
    }

    private let lease: Duration
    private var seen: [Int64: (pulse: Int64, ended: ContinuousClock.Instant)] = [:]
    private var lastObservation: ContinuousClock.Instant?

    /// Makes a detector without observations.
    ///
    /// - Parameter lease: this manager's own, which limits how long an observation may take.
    init(lease: Duration) {
        self.lease = lease
    }

    /// Forgets all observations: the connection was lost.
    mutating func startOver() {
        seen.removeAll()
        lastObservation = nil
    }

    /// Adds an observation of all managers.
    ///
    /// - Parameters:
    ///   - observations: all managers except this one.
    ///   - begun: before the server read them.
    ///   - ended: after the server read them.
    /// - Returns: the managers that are dead.
    mutating func observe(
        _ observations: [Observation],
        begun: ContinuousClock.Instant,
        ended: ContinuousClock.Instant
    ) -> [ExpiredManager] {
        let isSlow = ended - begun > lease / 2
        let isLate = lastObservation.map { begun - $0 > lease } ?? false
        if isSlow || isLate { startOver() }
        lastObservation = ended
        var expired: [ExpiredManager] = []
        var next: [Int64: (pulse: Int64, ended: ContinuousClock.Instant)] = [:]
        for observation in observations {
            if observation.isDead {
                expired.append(ExpiredManager(manager: observation.manager, pulse: nil))
            } else if let known = seen[observation.manager], known.pulse == observation.pulse {
                next[observation.manager] = known
                if begun - known.ended >= observation.lease {
                    expired.append(ExpiredManager(manager: observation.manager, pulse: observation.pulse))
                }
            } else {
                next[observation.manager] = (observation.pulse, ended)
            }
        }
        seen = next
        return expired
    }
}
