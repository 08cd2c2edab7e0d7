internal import Synchronization
public import TaskStore

/// Shows other threads of the process that an event loop turns, and what it waits for.
///
/// The event loop writes it. Any thread may read it at any time.
public final class LoopActivity: Sendable {
    /// What the loop's store waits for while it blocks the loop.
    public let wait = StoreWait()

    private let turnCount = Atomic<UInt64>(0)
    private let waitsForProgram = Atomic<Bool>(false)

    /// Makes the activity of a loop that has not turned yet.
    public init() {}

    /// How often the loop has turned: it grows every half second.
    public var turns: UInt64 { turnCount.load(ordering: .relaxed) }

    /// Whether a batch waits for the transaction of another program, while the loop turns.
    public var isStalled: Bool { waitsForProgram.load(ordering: .relaxed) }

    /// Counts a turn of the loop.
    func noteTurn(isStalled: Bool) {
        turnCount.wrappingAdd(1, ordering: .relaxed)
        waitsForProgram.store(isStalled, ordering: .relaxed)
    }
}
