internal import TaskStore

/// What time it is, on both clocks.
struct Moment {
    /// For everything this process waits for: never stepped.
    var instant: ContinuousClock.Instant

    /// For everything that stands in the store.
    var timestamp: Timestamp
}
