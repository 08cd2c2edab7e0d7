/// The clock of a client.
///
/// Tests use their own.
package struct ClientClock: Sendable {
    /// Returns the time since a fixed moment.
    package var now: @Sendable () -> Duration

    /// Waits.
    ///
    /// Throws if the task is cancelled.
    package var sleep: @Sendable (Duration) async throws -> Void

    /// Creates a clock from its two functions.
    package init(now: @escaping @Sendable () -> Duration, sleep: @escaping @Sendable (Duration) async throws -> Void) {
        self.now = now
        self.sleep = sleep
    }

    /// The monotonic clock of the machine.
    package static var continuous: ClientClock {
        let start = ContinuousClock.now
        return ClientClock(
            now: { ContinuousClock.now - start },
            sleep: { try await ContinuousClock().sleep(for: $0) }
        )
    }
}
