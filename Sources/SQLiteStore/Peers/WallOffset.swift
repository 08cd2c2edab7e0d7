/// How the wall clock of a store follows the machine's clock.
///
/// The wall clock is the time since the boot plus an offset. If the machine's clock is set, the offset follows. It
/// follows at once if the difference is small (a correction of a time server) or large (a machine that booted with a
/// wrong clock, or that slept). In between it follows slowly, by a tenth of the time that passes. So the events of the
/// next minutes come neither all at once nor a minute late.
struct WallOffset: Equatable {
    /// Up to this difference, in milliseconds, the offset follows at once.
    static let small: Int64 = 1000

    /// Above this difference, in milliseconds, it does too.
    static let large: Int64 = 60_000

    /// What is added to the time since the boot, in milliseconds.
    var value: Int64

    /// When it was last moved while it follows slowly, in milliseconds since the boot; nil if it does not follow
    /// slowly.
    var moved: Int64?

    /// What a call of ``follow(_:at:)`` has found, for the program's log.
    enum Event: Equatable {
        /// The machine's clock was set by this many milliseconds, and the wall clock has followed at once.
        case jumped(Int64)

        /// The machine's clock was set by this many milliseconds, and the wall clock begins to follow.
        case follows(Int64)
    }

    /// Follows the machine's clock.
    ///
    /// - Parameters:
    ///   - machine: the difference between the machine's clock and the time since the boot.
    ///   - now: the time since the boot, in milliseconds.
    /// - Returns: what a person should know; nil in most cases.
    mutating func follow(_ machine: Int64, at now: Int64) -> Event? {
        let difference = machine - value
        guard abs(difference) > Self.small, abs(difference) <= Self.large else {
            value = machine
            moved = nil
            return abs(difference) > Self.large ? .jumped(difference) : nil
        }
        guard let moved else {
            self.moved = now
            return .follows(difference)
        }
        let step = (now - moved) / 10
        // Less than 10 ms at a time would round to nothing.
        guard step > 0 else { return nil }
        value += difference.signum() * min(step, abs(difference))
        self.moved = now
        return nil
    }
}
