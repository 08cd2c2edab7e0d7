internal import Access
internal import BeanstalkWire
internal import TaskStore

/// The state of one connection: the tube in use, the watch list, the queue of commands, and the claims.
///
/// A session does no I/O. ``SessionTable`` turns its queue into operations and the store's outcomes into replies. Its
/// state changes through its methods only, and each keeps what depends on each other right. Confined to the manager's
/// event loop.
final class Session {
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
    enum Closing: Int, Comparable {
        /// The client may send more.
        case open

        /// The client sends no more: its commands are carried out, then the connection is closed.
        case afterQueue

        /// The connection will be closed once its answers are written: no more commands are carried out.
        case now

        /// The connection is gone: only the session's end has to be stored.
        case ended

        static func < (lhs: Closing, rhs: Closing) -> Bool { lhs.rawValue < rhs.rawValue }
    }

    let id: SessionID

    /// The client's requests that are not begun yet.
    var queue = RequestQueue()

    /// The tasks that it holds.
    var claims = SessionClaims()

    private(set) var usedTube = TubeName.default
    private(set) var watchedTubes = [TubeName.default]

    /// The named session to which the connection is attached, and which keeps the claims when the connection is lost.
    private(set) var name: SessionName?

    private(set) var closing = Closing.open

    /// Whether the client has sent `quit`: then its named session keeps no claims either.
    private(set) var hasQuit = false

    private(set) var wait: Wait? {
        didSet { isWaiting = wait != nil }
    }

    /// Whether ``wait`` is set.
    ///
    /// Comparing ``wait`` with `nil` would copy it, which costs 50 instructions per command.
    private(set) var isWaiting = false

    /// The command that is carried out in steps; later commands wait for it.
    private(set) var longCommand: LongCommand?

    /// The time of the next try of its first command, if that has met another program's lock; else `nil`.
    private(set) var retryAt: ContinuousClock.Instant? {
        didSet { isPutOff = retryAt != nil }
    }

    /// Whether ``retryAt`` is set, as for ``isWaiting``.
    private(set) var isPutOff = false

    /// Whether its connection is new and the store counts it at no tube yet.
    private(set) var isNew = true

    /// The tubes at which the store counts it.
    private(set) var counted = CountedTubes()

    /// The connection for its answers; `nil` once it is gone, which also ends the cycle of references.
    private(set) var connection: (any SessionConnection)?

    /// The answers that wait to be written, first to last.
    private(set) var replies: [Reply] = []

    /// Whether ``replies`` have an answer that gives the client a claim for its whole time to run.
    private(set) var repliesTellOfClaims = false

    /// The average size of its answers in the last batch that had some.
    private(set) var bytesPerAnswer = 0

    /// Whether the connection takes no more answers for now.
    private(set) var isCongested = false

    /// Whether it is in ``SessionRegistry``'s list of sessions with something to do.
    private(set) var isReady = false

    /// The time when it is checked next for timeouts; `nil` if it has none.
    private(set) var nextCheck: ContinuousClock.Instant?

    /// Whether the statistics count the connection.
    private(set) var isCounted = true
    private(set) var isProducer = false
    private(set) var isWorker = false

    /// The principal that the client is; `nil` if every client may do everything.
    private(set) var principal: Principal?

    init(id: SessionID, connection: (any SessionConnection)? = nil, principal: Principal? = nil) {
        self.id = id
        self.connection = connection
        self.principal = principal
    }

    /// Whether only its end has to be stored.
    var hasEnded: Bool { closing == .ended }

    /// Whether it is attached to a named session.
    var isNamed: Bool { name != nil }

    /// Whether its commands may wait without end: behind a `reserve`, or for a client that does not read its answers.
    var isBlocked: Bool { isWaiting || isCongested || longCommand != nil }
}

// Tubes and names.
extension Session {
    /// Uses a tube for the next puts.
    func use(_ tube: TubeName) {
        usedTube = tube
    }

    /// Adds a tube that is not watched yet.
    func watch(_ tube: TubeName) {
        watchedTubes.append(tube)
    }

    /// Removes a tube that is watched.
    func ignore(_ tube: TubeName) {
        guard let index = watchedTubes.firstIndex(of: tube) else { return }
        // beanstalkd fills the gap with the last tube, and clients see the order in list-tubes-watched (ms.c).
        watchedTubes.swapAt(index, watchedTubes.count - 1)
        watchedTubes.removeLast()
    }

    /// Notes that the batch counts it at its first tube.
    func beginUse() {
        isNew = false
    }

    /// Notes that this has failed, and is tried again.
    func beginUseAgain() {
        isNew = true
    }

    /// Notes that the store counts it at a tube, or counts it there no more.
    func noteCount(at tube: TubeName, using: Int, watching: Int) {
        counted.add(tube, using: using, watching: watching)
    }

    /// Attaches it to a named session, whose claims are added in steps.
    ///
    /// Its own claims are among them.
    func attach(to name: SessionName) {
        self.name = name
        claims = SessionClaims()
    }
}

// The end.
extension Session {
    /// Notes that the client sends no more, unless the session ends sooner.
    func closeAfterQueue() {
        closing = max(closing, .afterQueue)
    }

    /// Notes that the client has quit: the commands behind it are dropped.
    func quit() {
        hasQuit = true
        closeAfterQueue()
        queue.removeAll()
    }

    /// Notes that the connection is to be closed once its answers are written.
    func closeNow() {
        closing = max(closing, .now)
        queue.removeAll()
    }

    /// Notes that the connection is gone.
    func end() {
        closing = .ended
        connection = nil
        queue.removeAll()
        replies.removeAll()
    }
}

// Commands that take long.
extension Session {
    /// Begins to wait for a task.
    func beginWait(_ wait: Wait) {
        self.wait = wait
    }

    /// Notes whether a claim for it is in the batch.
    func setBeingServed(_ isBeingServed: Bool) {
        wait?.isBeingServed = isBeingServed
    }

    func endWait() {
        wait = nil
    }

    /// Begins a command that is carried out in steps.
    func begin(_ command: LongCommand) {
        longCommand = command
    }

    /// Returns the next step of the long command; `nil` if there is none.
    func nextStep(atMost rows: Int) -> Action? {
        longCommand?.nextStep(atMost: rows)
    }

    /// Notes the outcome of the step.
    ///
    /// - Returns: the command's answer, which ends it; `nil` if another step has to follow.
    func finishStep(_ outcome: Outcome) -> Reply? {
        let answer = longCommand?.finishStep(outcome)
        if answer != nil { longCommand = nil }
        return answer
    }

    /// Ends the long command, since a step has failed.
    func endLongCommand() {
        longCommand = nil
    }

    /// Notes that its first command has met a lock and is tried again at a time.
    func putOff(until time: ContinuousClock.Instant) {
        retryAt = time
    }

    /// Notes that the time of the next try has come.
    func tryAgain() {
        retryAt = nil
    }
}

// Answers.
extension Session {
    /// Adds an answer.
    ///
    /// - Returns: whether it is the first that waits to be written.
    func add(_ reply: consuming Reply) -> Bool {
        let isFirst = replies.isEmpty
        replies.append(consume reply)
        return isFirst
    }

    /// Notes that an answer gives the client a claim for its whole time to run.
    func noteClaimInReplies() {
        repliesTellOfClaims = true
    }

    /// Forgets the answers, which were written.
    ///
    /// - Parameter room: the most answers for which it keeps memory.
    func forgetReplies(keepingRoomFor room: Int) {
        replies.removeAll(keepingCapacity: replies.capacity <= room)
        repliesTellOfClaims = false
    }

    /// Notes the size of the answers in ``replies``.
    func noteSize(ofAnswers bytes: Int) {
        if !replies.isEmpty { bytesPerAnswer = bytes / replies.count }
    }

    /// Whether its bodies are so large that it is not served with light sessions in one batch beyond a limit.
    ///
    /// A session is light until its first answers are known.
    var isHeavy: Bool { bytesPerAnswer > Self.mostLightBytes || queue.bytes > Self.mostLightBytes * queue.count }

    /// The most bytes per answer, and per command, of a light session.
    private static let mostLightBytes = 4096

    /// Releases the room of requests and claims that are gone.
    func releaseRoom() {
        queue.releaseRoom()
        claims.releaseRoom()
    }

    /// The claims in ``replies``, and perhaps more.
    var claimsInReplies: [TaskID] {
        if replies.contains(.touched) { return Array(claims.byTask.keys) }
        return replies.compactMap { if case .reserved(let task, _) = $0 { task } else { nil } }
    }

    /// Notes whether the connection takes answers.
    func setCongested(_ isCongested: Bool) {
        self.isCongested = isCongested
    }
}

// Its place in the lists of the manager.
extension Session {
    func setReady(_ isReady: Bool) {
        self.isReady = isReady
    }

    func setNextCheck(_ time: ContinuousClock.Instant?) {
        nextCheck = time
    }

    /// Notes that it has put a task.
    func markProducer() { isProducer = true }

    /// Notes that it has asked for a task.
    func markWorker() { isWorker = true }

    /// Notes that the statistics do not count the connection any more.
    func countOut() { isCounted = false }

    /// The time of the session's next timeout, or a moment before it.
    var nextTimeout: ContinuousClock.Instant? {
        var next = claims.noneEndsBefore
        if let wait, !wait.isBeingServed {
            next = next.map { $0 - SessionClaims.safetyMargin }
            if let deadline = wait.deadline { next = min(next ?? deadline, deadline) }
        }
        if let retryAt { next = min(next ?? retryAt, retryAt) }
        return next
    }
}

// Rights.
extension Session {
    /// Gives the session other rights.
    func setPrincipal(_ principal: Principal) {
        self.principal = principal
    }

    /// Whether the answers may have bodies of tasks in any tube.
    var mayReadBodies: Bool { principal?.mayEverywhere(.read) ?? true }

    /// The name of the principal, to which the session's named session belongs.
    var principalName: PrincipalName? { principal?.name }

    /// Returns the tubes in which a command may find the task that it names; `nil` for all.
    func accessFilter(for verb: Verb) -> AccessFilter? { principal?.filter(for: verb) }

    /// The tubes from which the session may claim: those of the tubes it watches for which it has the right.
    var claimTubes: [TubeName] {
        guard let principal else { return watchedTubes }
        return watchedTubes.filter { principal.may(.reserve, in: $0) }
    }

    /// Notes that its principal is gone: its named session keeps no claims.
    func endNamedSession() {
        hasQuit = true
    }

    /// Notes that nothing more of the client is carried out.
    func dropCommands() {
        closeAfterQueue()
        queue.removeAll()
    }
}
