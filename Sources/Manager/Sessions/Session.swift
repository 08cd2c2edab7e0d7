internal import BeanstalkWire
internal import DequeModule
internal import TaskStore

/// The state of one connection: the tube in use, the watch list, the queue of commands, and the claims.
///
/// A session does no I/O. ``SessionTable`` turns its queue into operations and the store's outcomes into replies.
/// Confined to the manager's event loop.
final class Session {
    /// A task that this session holds.
    struct Claim {
        /// The time when its time to run is over.
        var deadline: ContinuousClock.Instant

        /// The seconds for which it may be held; each touch starts them again.
        var timeToRun: UInt32

        /// The tube to which the task returns.
        var tube: TubeName
    }

    /// A `reserve` that has found no task yet.
    struct Wait {
        /// The time when it gives up; `nil` for a plain `reserve`.
        var deadline: ContinuousClock.Instant?

        /// Distinguishes this wait from earlier ones of the same session in the tubes' waiting lists.
        var ticket: UInt64

        /// Whether a claim for it is in the batch that is being built or run.
        var isBeingServed = false
    }

    /// The progress of the connection's end.
    enum Closing {
        /// The client may send more.
        case open

        /// The client sends no more: its commands are carried out, then the connection is closed.
        case afterQueue

        /// The connection is gone, or will be soon: no more commands are carried out.
        case now
    }

    let id: SessionID
    var usedTube = TubeName.default
    var watchedTubes = [TubeName.default]

    /// The client's requests that are not begun yet.
    var queue = Deque<Request>()

    /// The bytes of bodies in ``queue``.
    var queuedBytes = 0

    /// The average size of its answers in the last batch that had some.
    var bytesPerAnswer = 0

    /// The number of requests for which ``queue`` has room, about.
    var queueRoom = 0

    var claims: [TaskID: Claim] = [:]
    var wait: Wait? {
        didSet { isWaiting = wait != nil }
    }

    /// Whether ``wait`` is set.
    ///
    /// Comparing ``wait`` with `nil` would copy it, which costs 50 instructions per command.
    private(set) var isWaiting = false

    /// The command that is carried out in steps; later commands wait for it.
    var longCommand: LongCommand?

    /// The named session that it has taken up, which keeps its claims when the connection is lost.
    var name: SessionName?

    /// Whether it has taken up a named session.
    var isNamed: Bool { name != nil }

    /// Whether the client has sent `quit`: then its named session keeps no claims either.
    var hasQuit = false
    var closing = Closing.open

    /// Whether the connection is new and not counted at its tubes yet.
    var opening = false

    /// Whether the session has ended: it gets no answers any more, and only its end has to be stored.
    var hasEnded = false

    /// The tube at which the store counts this session as a user; `nil` before it does.
    var referredUse: TubeName?

    /// The tubes at which the store counts this session as watching.
    var referredWatches: [TubeName] = []

    /// The connection for its answers; `nil` once it is gone, which also ends the cycle of references.
    var connection: (any SessionConnection)?

    /// The answers that wait to be written, first to last.
    var replies: [Reply] = []

    /// Whether ``replies`` have an answer that gives the client a claim for its whole time to run.
    var repliesTellOfClaims = false

    /// Whether the connection takes no more answers for now.
    var isCongested = false

    /// Whether it is in ``SessionTable``'s list of sessions with something to do.
    var isReady = false

    /// Whether the statistics count the connection.
    var isCounted = true

    var isProducer = false
    var isWorker = false

    /// The time of the next try of its first command, if that has met another program's lock; else `nil`.
    var retryAt: ContinuousClock.Instant? {
        didSet { isPutOff = retryAt != nil }
    }

    /// Whether ``retryAt`` is set, as for ``isWaiting``.
    private(set) var isPutOff = false

    /// The time when ``SessionTable`` checks it next for timeouts; `nil` if it has none.
    var tick: ContinuousClock.Instant?

    /// No claim ends before this time; `nil` if there is no claim.
    ///
    /// A session that deletes one task after the other always ends the claim with the first deadline. The next deadline
    /// is not needed before this time is near.
    private var noneRunsOutBefore: ContinuousClock.Instant?

    /// Whether a claim ends exactly at that time.
    private var isSoonestKnown = true

    /// The deadlines of its claims, if there are many claims and the deadlines were needed.
    private var deadlines: ClaimDeadlines?

    init(id: SessionID) {
        self.id = id
    }

    /// The first deadline of its claims.
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

    /// Returns tasks whose time to run is over, the soonest first.
    ///
    /// The session holds them until their claims are removed.
    ///
    /// They are returned once, unless ``expireAgain(_:)`` is called.
    func takeOverdue(at now: ContinuousClock.Instant, atMost limit: Int) -> [TaskID] {
        guard let soonest = soonestDeadline, soonest <= now else { return [] }
        isSoonestKnown = false
        if let overdue = deadlines?.takeDue(at: now, atMost: limit, of: claims) { return overdue }
        let overdue = claims.filter { $0.value.deadline <= now }
        return overdue.sorted { ($0.value.deadline, $0.key) < ($1.value.deadline, $1.key) }.prefix(limit).map(\.key)
    }

    /// Notes that a claim whose time is over could not be ended.
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
            // Most entries are stale. The deadlines are collected again when the first one is needed.
            deadlines = nil
            isSoonestKnown = false
        } else {
            deadlines?.add(task, deadline)
        }
    }

    /// Removes a claim.
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

    /// Removes all claims, which other sessions have now.
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

    /// The kind of the next command, as far as a store works better if commands of one kind follow each other.
    enum Wish: CaseIterable {
        case put, delete, other
    }

    /// The kind of the next command.
    var wish: Wish { queue.isEmpty ? .other : queue[0].wish }

    /// The claims in ``replies``, and perhaps more.
    var claimsInReplies: [TaskID] {
        if replies.contains(.touched) { return Array(claims.keys) }
        return replies.compactMap { if case .reserved(let task, _) = $0 { task } else { nil } }
    }

    /// Returns whether one of its claims is in its last second, the protocol's safety margin (protocol.txt, "reserve").
    func isDeadlineSoon(at now: ContinuousClock.Instant) -> Bool {
        guard let bound = noneRunsOutBefore, now >= bound - Self.safetyMargin, let soonestDeadline else { return false }
        return now >= soonestDeadline - Self.safetyMargin
    }

    static let safetyMargin = Duration.seconds(1)

    /// The time of the session's next timeout, or a moment before it.
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

    /// Notes that the session's queue may be shorter now.
    func resumeReading()

    /// Stops reading from the client. The commands that have arrived are carried out, then the connection is closed.
    func leave()

    /// Closes the connection at once.
    func abort()

    /// Returns whether the client has held an incomplete command for too long. Call it every quarter of that time.
    func checkProgress() -> Bool

    /// Returns the speed of the bodies that the connection has in memory and that may be discarded, in bytes per
    /// second.
    ///
    /// - Returns: the speed; `nil` if there are no such bodies, and 0 for bodies that wait behind a command that does
    ///   not end.
    func speedOfBodies(at now: ContinuousClock.Instant) -> Double?

    /// Discards those bodies: their commands are answered `OUT_OF_MEMORY`.
    func discardBodies()

    /// Notes that the session has fewer claims without an answer to its client.
    func updateMemory()

    /// The time since when there are unread answers, if there are more of them than a connection may always have.
    var unreadSince: ContinuousClock.Instant? { get }

    /// Notes that other sessions may have the session's claims now.
    func loseClaims()
}
