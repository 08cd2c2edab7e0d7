/// Numbers that are part of what the queue promises, for every store and every manager.
public enum QueueRules {
    /// Tasks with a smaller priority count as urgent in the statistics (protocol.txt, "stats").
    public static let urgentBelow: Int64 = 1024

    /// How much later than their time to run claims of named sessions end if no manager has ended them, in milliseconds.
    ///
    /// The manager that has the session's connection ends them itself and counts that.
    public static let graceOfNamedClaims: Int64 = 200

    /// For how many seconds the key of a task that is gone is remembered, if the operator does not say.
    public static let keyRetention = 3600

    /// How many delays one batch ends at most because their time is over, and as many pauses and claims, so that the other
    /// managers are kept waiting for a few milliseconds at most.
    public static let mostDueAtOnce = 1000
}
