internal import TaskStore

/// The present time on both clocks.
struct Moment {
    /// The time for all waiting in this process; never stepped.
    var instant: ContinuousClock.Instant

    /// The time for all data in the store.
    var timestamp: Timestamp
}
