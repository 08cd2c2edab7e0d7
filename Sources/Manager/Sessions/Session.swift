internal import BeanstalkWire
internal import DequeModule
internal import TaskStore

/// What the manager knows of one connection: the tube in use, the watch list, what was asked and what is held.
///
/// A session does no I/O. ``SessionTable`` turns its queue into operations and the store's outcomes into replies.
/// Confined to the manager's event loop.
final class Session {
    /// A task that this session holds.
    struct Claim {
        /// When its time to run is over.
        var deadline: ContinuousClock.Instant

        /// Seconds it may be held, counted anew by each touch.
        var timeToRun: UInt32

        /// The tube that the task goes back to.
        var tube: TubeName
    }

    /// A `reserve` that has found nothing yet.
    struct Wait {
        /// When it gives up; none for a plain `reserve`.
        var deadline: ContinuousClock.Instant?

        /// Tells this wait from earlier ones of the same session in the tubes' waiting lists.
        var ticket: UInt64

        /// A claim for it is in the batch that is being built or run.
        var isBeingServed = false
    }

    /// How far the connection's end has come.
    enum Closing {
        /// The client may send more.
        case open

        /// The client sends no more: what it sent is carried out, then the connection is closed.
        case afterQueue

        /// The connection is gone, or about to be: nothing more is carried out.
        case now
    }

    let id: SessionID
    var usedTube = TubeName.default
    var watchedTubes = [TubeName.default]

    /// What the client asked for and nobody has begun with.
    var queue = Deque<Request>()

    /// Bytes of bodies in ``queue``.
    var queuedBytes = 0

    var claims: [TaskID: Claim] = [:]
    var wait: Wait? {
        didSet { isWaiting = wait != nil }
    }

    /// Whether ``wait`` is set; to compare that with nil copies it, which costs each command 50 instructions.
    private(set) var isWaiting = false

    /// The command that is carried out step by step; those behind it wait.
    var longCommand: LongCommand?

    /// The named session that it has taken up, which keeps its claims when the connection is lost.
    var name: SessionName?

    /// Whether it has taken up a named session.
    var isNamed: Bool { name != nil }

    /// The client has taken its leave: then its named session keeps nothing either.
    var hasQuit = false
    var closing = Closing.open

    /// The connection is new and not counted at its tubes yet.
    var opening = false

    /// Nobody answers it any more; it only has to be written down.
    var hasEnded = false

    /// The tube at which the store counts this session as a user, once it does.
    var referredUse: TubeName?

    /// The tubes at which the store counts this session as watching.
    var referredWatches: [TubeName] = []

    /// Where its answers go; none once the connection is gone, which also ends the cycle of references.
    var connection: (any SessionConnection)?

    /// Answers that wait to be written, first to last.
    var replies: [Reply] = []

    /// Whether ``replies`` tell the client that it has a claim for its whole time to run.
    var repliesTellOfClaims = false

    /// The connection cannot take more answers for now.
    var isCongested = false

    /// Stands in ``SessionTable``'s list of sessions with something to do.
    var isReady = false

    /// Whether the statistics count the connection.
    var isCounted = true

    var isProducer = false
    var isWorker = false

    /// When its first command, which has met another program's lock, is tried again; none if it has not.
    var retryAt: ContinuousClock.Instant? {
        didSet { isPutOff = retryAt != nil }
    }

    /// Whether ``retryAt`` is set, as for ``isWaiting``.
    private(set) var isPutOff = false

    /// When ``SessionTable`` looks at it next for timeouts; none if it has nothing that can time out.
    var tick: ContinuousClock.Instant?

    /// No claim runs out of time before this; none where there is no claim.
    ///
    /// Who works through its tasks lets go of the claim that is the first to run out each time, and nobody asks when the next
    /// one does before this has come near.
    private var noneRunsOutBefore: ContinuousClock.Instant?

    /// Whether a claim runs out at that very moment.
    private var isSoonestKnown = true

    /// When its claims run out, if there are many and that was asked for.
    private var deadlines: ClaimDeadlines?

    init(id: SessionID) {
        self.id = id
    }

    /// When the first of its claims runs out of time.
    var soonestDeadline: ContinuousClock.Instant? {
        guard !isSoonestKnown else { return noneRunsOutBefore }
        noneRunsOutBefore = findSoonest()
        isSoonestKnown = true
        return noneRunsOutBefore
    }

    private func findSoonest() -> ContinuousClock.Instant? {
        guard claims.count >= ClaimDeadlines.few else {
            deadlines = nil
            return claims.values.lazy.map(\.deadline).min()
        }
        if deadlines == nil { deadlines = ClaimDeadlines(claims) }
        return deadlines?.soonest(of: claims)
    }

    /// Returns tasks whose time to run is over, the soonest first; the session holds them until it is told otherwise.
    ///
    /// They are returned once, unless ``expireAgain(_:)`` is called.
    func takeOverdue(at now: ContinuousClock.Instant, atMost limit: Int) -> [TaskID] {
        guard let soonest = soonestDeadline, soonest <= now else { return [] }
        isSoonestKnown = false
        if let overdue = deadlines?.takeDue(at: now, atMost: limit, of: claims) { return overdue }
        let overdue = claims.filter { $0.value.deadline <= now }
        return overdue.sorted { ($0.value.deadline, $0.key) < ($1.value.deadline, $1.key) }.prefix(limit).map(\.key)
    }

    /// A claim that has run out could not be ended.
    func expireAgain(_ task: TaskID) {
        guard let deadline = claims[task]?.deadline else { return }
        noneRunsOutBefore = min(noneRunsOutBefore ?? deadline, deadline)
        deadlines = nil
        isSoonestKnown = false
    }

    func hold(_ task: TaskID, _ claim: Claim) {
        claims[task] = claim
        if deadlines != nil { noteDeadline(task, claim.deadline) }
        if let bound = noneRunsOutBefore, bound <= claim.deadline { return }
        noneRunsOutBefore = claim.deadline
        isSoonestKnown = true
    }

    private func noteDeadline(_ task: TaskID, _ deadline: ContinuousClock.Instant) {
        if let count = deadlines?.count, count > 2 * claims.count + ClaimDeadlines.few {
            // Most are stale: they are gathered again when the first is asked for.
            deadlines = nil
            isSoonestKnown = false
        } else {
            deadlines?.add(task, deadline)
        }
    }

    /// Forgets a claim.
    ///
    /// - Returns: the claim, if the session had it.
    @discardableResult
    func letGo(_ task: TaskID) -> Claim? {
        guard let claim = claims.removeValue(forKey: task) else { return nil }
        if claims.isEmpty {
            noneRunsOutBefore = nil
            isSoonestKnown = true
        } else if claim.deadline == noneRunsOutBefore {
            isSoonestKnown = false
        }
        return claim
    }

    /// Forgets all claims: they are somebody else's now.
    func letGoOfAll() {
        claims.removeAll()
        deadlines = nil
        noneRunsOutBefore = nil
        isSoonestKnown = true
    }

    func extend(_ task: TaskID, from now: ContinuousClock.Instant) {
        guard var claim = letGo(task) else { return }
        claim.deadline = now + .seconds(Int64(claim.timeToRun))
        hold(task, claim)
    }

    /// What the next thing to do is, as far as it matters to a store whether such things stand together.
    enum Wish: CaseIterable {
        case put, delete, other
    }

    /// What the next thing to do is.
    var wish: Wish { queue.isEmpty ? .other : queue[0].wish }

    /// The claims of which ``replies`` tell, and perhaps more.
    var claimsInReplies: [TaskID] {
        if replies.contains(.touched) { return Array(claims.keys) }
        return replies.compactMap { if case .reserved(let task, _) = $0 { task } else { nil } }
    }

    /// Whether one of its claims is in its last second, the protocol's safety margin (protocol.txt, "reserve").
    func isDeadlineSoon(at now: ContinuousClock.Instant) -> Bool {
        guard let bound = noneRunsOutBefore, now >= bound - Self.safetyMargin, let soonestDeadline else { return false }
        return now >= soonestDeadline - Self.safetyMargin
    }

    static let safetyMargin = Duration.seconds(1)

    /// When something of this session times out next, or a moment before that.
    var nextTimeout: ContinuousClock.Instant? {
        var next = noneRunsOutBefore
        if let wait, !wait.isBeingServed {
            next = next.map { $0 - Self.safetyMargin }
            if let deadline = wait.deadline { next = min(next ?? deadline, deadline) }
        }
        if let retryAt { next = min(next ?? retryAt, retryAt) }
        return next
    }
}

/// The way from a session's answers to its client.
protocol SessionConnection: AnyObject {
    /// Writes ``Session/replies`` and closes if ``Session/closing`` says so.
    func sendReplies()

    /// Takes note that the session's queue may be shorter now.
    func resumeReading()

    /// Takes no more from the client; what has arrived is carried out, then the connection is closed.
    func leave()

    /// Closes the connection at once.
    func abort()

    /// Finds out whether the client has held half a command for too long; to be called every quarter of that time.
    func checkProgress() -> Bool

    /// Finds out how fast the bodies come that the connection has in memory and that may be discarded, in bytes per second.
    ///
    /// - Returns: nil if it has none. 0 for bodies that wait behind a command that does not end.
    func speedOfBodies(at now: ContinuousClock.Instant) -> Double?

    /// Discards those bodies: their commands are answered `OUT_OF_MEMORY`.
    func discardBodies()

    /// Since when there are answers that the client has not read, if there are more than a connection may always have.
    var unreadSince: ContinuousClock.Instant? { get }

    /// Takes note that the session's claims are others' by now.
    func loseClaims()
}
