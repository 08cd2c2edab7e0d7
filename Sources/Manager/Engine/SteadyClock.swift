internal import TaskStore

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#else
internal import Darwin
#endif

/// Wall-clock time that does not jump when somebody sets the clock.
///
/// Delays stand in the database as UTC times. If the clock is stepped by an hour, tasks must neither all become due at
/// once nor wait an hour longer, so this clock goes on from where it was and approaches the new time slowly: a tenth of
/// the time that passes. Small corrections, such as a time server's, are followed at once.
struct SteadyClock {
    /// Differences up to this are followed at once.
    static let tolerance: Int64 = 1000

    private var last: Moment

    /// Whether the clock was found stepped and is still being approached.
    private(set) var isApproaching = false

    /// Starts at the present time.
    init(wall: Int64 = SteadyClock.wallMilliseconds(), instant: ContinuousClock.Instant = .now) {
        self.last = Moment(instant: instant, timestamp: Timestamp(rawValue: wall))
    }

    /// What time it is.
    ///
    /// It may go back by up to ``tolerance`` where the machine's clock is corrected by less.
    ///
    /// - Parameters:
    ///   - wall: the machine's clock, in UTC milliseconds.
    ///   - instant: the monotonic clock.
    /// - Returns: the moment on both clocks.
    mutating func now(
        wall: Int64 = SteadyClock.wallMilliseconds(),
        instant: ContinuousClock.Instant = .now
    ) -> Moment {
        let elapsed = max(0, (instant - last.instant).milliseconds)
        let steady = last.timestamp.rawValue + elapsed
        let difference = wall - steady
        isApproaching = abs(difference) > Self.tolerance
        let followed = isApproaching ? difference.signum() * (elapsed / 10) : difference
        let moment = Moment(instant: instant, timestamp: Timestamp(rawValue: steady + followed))
        // While it approaches, less than 10 ms at a time would round to nothing.
        guard !isApproaching || elapsed >= 10 else {
            return Moment(instant: instant, timestamp: Timestamp(rawValue: steady))
        }
        last = moment
        return moment
    }

    /// The machine's clock in UTC milliseconds.
    static func wallMilliseconds() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }
}

extension Duration {
    /// Whole milliseconds, rounded towards zero.
    var milliseconds: Int64 {
        components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
    }
}
