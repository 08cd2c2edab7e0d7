internal import TaskStore

/// The time that an engine gives to its store and its sessions: since the engine's start, and never stepped.
///
/// `ContinuousClock` continues while the machine sleeps (CLOCK_BOOTTIME). A store uses only the distance between two of
/// the timestamps, because it has clocks of its own.
struct EngineClock {
    /// When the engine was made.
    let start = ContinuousClock.now

    /// Returns the present moment.
    func now() -> Moment {
        let instant = ContinuousClock.now
        return Moment(instant: instant, timestamp: Timestamp(rawValue: (instant - start).milliseconds))
    }
}

extension Duration {
    /// Whole milliseconds, rounded towards zero.
    var milliseconds: Int64 {
        components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
    }
}
