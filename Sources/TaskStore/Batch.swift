/// Operations that run as one transaction, in order.
public struct Batch: Sendable {
    /// The most rows that one operation changes, so that the other sessions and managers do not wait long.
    ///
    /// A command that concerns more rows is done step by step, in several batches.
    public static let mostRows = 1000

    /// The operations, first to last.
    public var operations: [Operation]

    /// The time for all of them.
    public var now: Timestamp

    /// Makes a batch.
    public init(_ operations: [Operation], now: Timestamp) {
        self.operations = operations
        self.now = now
    }
}

/// The result of a ``Batch``.
public struct BatchResult: Sendable {
    /// One outcome per operation, in the same order.
    public var outcomes: [Outcome]

    /// Whether the batch changed something that a power failure must not undo.
    ///
    /// Then ``Store/makeDurable()`` has to return before the manager answers with any of the outcomes.
    public var needsDurability: Bool

    /// Whether a delay or a pause ended before the operations ran, so that there is more to claim.
    public var timePassed: Bool

    /// When the next delay or pause of the whole store ends; `nil` if there is none.
    public var nextEvent: Timestamp?

    /// Why puts of the batch were refused; `nil` if none was.
    public var noRoom: NoRoom?

    /// A moment on this process's clock that is no later than the time in the rows that the batch wrote.
    ///
    /// A claim in the batch lasts from the time in its row. If the answer leaves much later than this moment, the
    /// manager renews the claim first.
    public var timeRead: ContinuousClock.Instant

    /// The subscribed tubes in which the batch left more to claim than before, or whose pause it ended; `nil` if the store
    /// does not know.
    public var moreToClaim: [TubeName]?

    /// Whether all claims that this manager's sessions had before the batch are lost: the manager could not reach the
    /// store for so long that the other managers took it for dead.
    public var hasLostClaims: Bool

    /// Makes a result.
    public init(
        outcomes: [Outcome],
        needsDurability: Bool,
        timePassed: Bool,
        nextEvent: Timestamp?,
        timeRead: ContinuousClock.Instant = .now,
        moreToClaim: [TubeName]? = nil,
        hasLostClaims: Bool = false
    ) {
        self.outcomes = outcomes
        self.needsDurability = needsDurability
        self.timePassed = timePassed
        self.nextEvent = nextEvent
        self.timeRead = timeRead
        self.moreToClaim = moreToClaim
        self.hasLostClaims = hasLostClaims
    }
}
