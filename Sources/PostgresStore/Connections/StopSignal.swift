import Synchronization

/// Tells the stores of a process that it has to end soon, so that they do not wait long for a server that is silent.
///
/// Any thread may use it. A wait that has begun ends too, within a tenth of a second of its new end.
public final class StopSignal: Sendable {
    /// How long an answer may take, and how long connecting may, once the process has to end.
    static let patience = Duration.seconds(1)

    /// How often a wait checks whether the process has to end.
    static let interval = Duration.milliseconds(100)

    private let stoppedAt = Mutex<ContinuousClock.Instant?>(nil)

    /// Makes a signal for a process that need not end yet.
    public init() {}

    /// Says that the process has to end soon.
    public func stop() {
        stoppedAt.withLock { $0 = $0 ?? .now }
    }

    /// Returns when a wait for an answer ends.
    ///
    /// - Parameters:
    ///   - start: when the wait began.
    ///   - deadline: when it would end without the signal.
    /// - Returns: when it ends.
    func end(ofAnswerFrom start: ContinuousClock.Instant, until deadline: ContinuousClock.Instant)
        -> ContinuousClock.Instant
    {
        guard let stoppedAt = stoppedAt.withLock({ $0 }) else { return deadline }
        return min(deadline, max(start, stoppedAt) + Self.patience)
    }

    /// Returns when connecting, and trying again, ends.
    ///
    /// - Parameter deadline: when it would end without the signal.
    /// - Returns: when it ends.
    func end(ofTryingUntil deadline: ContinuousClock.Instant) -> ContinuousClock.Instant {
        guard let stoppedAt = stoppedAt.withLock({ $0 }) else { return deadline }
        return min(deadline, stoppedAt + Self.patience)
    }

    /// Blocks the thread until then, or until trying ends.
    func pause(until instant: ContinuousClock.Instant) {
        while true {
            let left = end(ofTryingUntil: instant) - .now
            guard left > .zero else { return }
            Pause.sleep(min(left, Self.interval))
        }
    }
}
