/// Numbers that are part of the queue's guarantees, for all stores and all managers.
public enum QueueRules {
    /// Tasks with a smaller priority count as urgent in the statistics (protocol.txt, "stats").
    public static let urgentBelow: Int64 = 1024

    /// The milliseconds after its time to run at which a named session's claim ends, if no manager has ended it.
    ///
    /// The manager that has the session's connection ends the claim itself and counts the timeout.
    public static let graceOfNamedClaims: Int64 = 200

    /// The seconds for which the key of a deleted task is kept, if the operator sets no other time.
    public static let keyRetention = 3600

    /// The most delays that one batch ends because their time is over.
    ///
    /// The same limit holds for pauses and for claims, so that the other managers wait for a few milliseconds at most.
    public static let mostDueAtOnce = 1000
}
