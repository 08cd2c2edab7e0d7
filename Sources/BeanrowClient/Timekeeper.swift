/// The clock the client waits by; tests bring their own.
package struct Timekeeper: Sendable {
    /// The time since some moment that does not change.
    package var now: @Sendable () -> Duration

    /// Waits; throws where the task is cancelled.
    package var sleep: @Sendable (Duration) async throws -> Void

    /// Makes a clock.
    package init(now: @escaping @Sendable () -> Duration, sleep: @escaping @Sendable (Duration) async throws -> Void) {
        self.now = now
        self.sleep = sleep
    }

    /// The machine's monotonic clock.
    package static var continuous: Timekeeper {
        let start = ContinuousClock.now
        return Timekeeper(
            now: { ContinuousClock.now - start },
            sleep: { try await ContinuousClock().sleep(for: $0) }
        )
    }
}
