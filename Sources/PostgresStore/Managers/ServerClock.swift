/// Compares the server's clock with this process's own: whether it runs steadily.
///
/// No step of a clock may end a claim early. Claims of named sessions end by the server's clock, and any manager ends them.
/// So each manager checks that clock first.
struct ServerClock {
    /// A small correction, such as that of a time server, is not a step.
    private static let tolerance: Int64 = 250

    /// After how much steady running the clock is trusted.
    private static let probation = Duration.seconds(2)

    /// One reading of the server's clock, after `sent` and before `received`.
    private struct Reading {
        var time: Int64
        var sent: ContinuousClock.Instant
        var received: ContinuousClock.Instant
    }

    private var last: Reading?

    /// The last time that was read of the server's clock; 0 if none was.
    var latest: Int64 { last?.time ?? 0 }

    private var steadySince: ContinuousClock.Instant?

    /// When the clock was first read after a step that was not handled yet, in the server's time.
    private(set) var step: Int64?

    /// Adds a reading of the server's clock.
    ///
    /// - Parameters:
    ///   - time: in milliseconds.
    ///   - sent: before the server read it.
    ///   - received: after the server read it.
    mutating func note(_ time: Int64, sent: ContinuousClock.Instant, received: ContinuousClock.Instant) {
        let reading = Reading(time: time, sent: sent, received: received)
        defer { last = reading }
        guard let last else {
            steadySince = received
            return
        }
        let least = last.time + (sent - last.received).milliseconds
        let most = last.time + (received - last.sent).milliseconds
        // Two good clocks drift apart by less than a thousandth.
        let tolerance = Self.tolerance + max(0, most - last.time) / 1000
        guard time < least - tolerance || time > most + tolerance else { return }
        step = time
        steadySince = received
    }

    /// Notes that the claims from before the step got their full time again.
    mutating func stepWasHandled() {
        step = nil
    }

    /// Returns the latest time that is possible on the server if its clock runs steadily; 0 if that is not known.
    mutating func limit(at now: ContinuousClock.Instant) -> Int64 {
        guard step == nil, let last, let steadySince, now - steadySince >= Self.probation else { return 0 }
        return last.time + (now - last.sent).milliseconds + Self.tolerance
    }
}
