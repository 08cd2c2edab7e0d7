/// Operations that run as one transaction, in order.
public struct Batch: Sendable {
    /// How many rows one operation changes at most, so that the other sessions and managers are not kept waiting.
    ///
    /// What concerns more rows is done step by step, in several batches.
    public static let mostRows = 1000

    /// The operations, first to last.
    public var operations: [Operation]

    /// What time it is for all of them.
    public var now: Timestamp

    /// Makes a batch.
    public init(_ operations: [Operation], now: Timestamp) {
        self.operations = operations
        self.now = now
    }
}

/// What became of a ``Batch``.
public struct BatchResult: Sendable {
    /// One outcome an operation, in the same order.
    public var outcomes: [Outcome]

    /// Whether the batch changed something that a power cut must not undo, so that ``Store/makeDurable()`` has to return
    /// before any of the outcomes is told.
    public var needsDurability: Bool

    /// Whether tasks became claimable by the passing of time (a delay or a pause that ended) before the operations ran.
    public var timePassed: Bool

    /// When the next delay or pause ends, over the whole store; none if there is none.
    public var nextEvent: Timestamp?

    /// Why puts of the batch were refused, if any were.
    public var noRoom: NoRoom?

    /// A moment on this process's clock that is no later than the time in the rows that the batch wrote.
    ///
    /// A claim in the batch lasts from the time in its row. If the answer leaves much later than this moment, the manager
    /// renews the claim first.
    public var timeRead: ContinuousClock.Instant

    /// The tubes that sessions of this manager await and in which the batch left more to claim than there was before, or
    /// whose pause it ended; nil if the store does not know.
    public var moreToClaim: [TubeName]?

    /// Whether all claims that this manager's sessions had before the batch are lost: it could not reach the store for so
    /// long that the others took it for dead.
    public var claimsWereLost: Bool

    /// Makes a result.
    public init(
        outcomes: [Outcome],
        needsDurability: Bool,
        timePassed: Bool,
        nextEvent: Timestamp?,
        timeRead: ContinuousClock.Instant = .now,
        moreToClaim: [TubeName]? = nil,
        claimsWereLost: Bool = false
    ) {
        self.outcomes = outcomes
        self.needsDurability = needsDurability
        self.timePassed = timePassed
        self.nextEvent = nextEvent
        self.timeRead = timeRead
        self.moreToClaim = moreToClaim
        self.claimsWereLost = claimsWereLost
    }
}
