internal import TaskStore

/// Decides from readings whether an event loop hangs.
struct LoopWatch {
    /// How long a loop may stand still although its store does not wait.
    static let limit = Duration.seconds(15)

    private var turns: UInt64?
    private var lastTurn: ContinuousClock.Instant
    private(set) var waitingSince: ContinuousClock.Instant?
    private(set) var waitsFor: String?

    /// Begins to watch a loop.
    init(at now: ContinuousClock.Instant) {
        lastTurn = now
    }

    /// Takes a reading.
    mutating func note(_ reading: LoopReading, at now: ContinuousClock.Instant) {
        // A loop that has just waited gets the whole limit again.
        if reading.turns != turns || reading.wait != nil { lastTurn = now }
        turns = reading.turns
        waitsFor = reading.isStalled ? "the transaction of another program" : reading.wait.map(Self.describe)
        waitingSince = waitsFor == nil ? nil : waitingSince ?? now
    }

    /// Returns whether the loop has stood still for too long, without waiting for the store.
    func hangs(at now: ContinuousClock.Instant) -> Bool {
        now - lastTurn > Self.limit
    }

    private static func describe(_ reason: StoreWait.Reason) -> String {
        switch reason {
        case .lock: "the lock of another manager"
        case .disk: "the disk"
        case .server: "the database server"
        }
    }
}
