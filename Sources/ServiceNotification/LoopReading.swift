public import TaskStore

/// What is known of an event loop at one moment.
public struct LoopReading: Sendable, Equatable {
    /// How often it has turned since its start.
    public var turns: UInt64

    /// What its store waits for; nil if it does not wait.
    public var wait: StoreWait.Reason?

    /// Whether a batch waits for the transaction of another program, while the loop turns.
    public var isStalled: Bool

    /// Makes a reading.
    public init(turns: UInt64, wait: StoreWait.Reason? = nil, isStalled: Bool = false) {
        self.turns = turns
        self.wait = wait
        self.isStalled = isStalled
    }
}
