internal import BeanstalkWire
internal import TaskStore

/// All sessions of a manager, and the way from their commands to operations and from outcomes to their answers.
///
/// It does no I/O and reads no clock. The engine calls it like this, over and over, on its event loop:
///
/// 1. ``open(_:)``, ``receive(_:from:)``, ``close(_:)``, ``wakeWaiting()`` as things happen;
/// 2. ``makeBatch(at:)`` turns all that can be done now into operations;
/// 3. the store runs them; ``apply(_:at:)`` (or ``fail(with:)``) turns the outcomes into answers;
/// 4. ``takeAnswered()`` names the sessions whose ``Session/replies`` are to be written.
///
/// Between 2 and 3 nothing but 1 may be called.
struct SessionTable {
    /// Bounds on what one session gets done in one batch, so that the others have their turn.
    struct Limits {
        /// Commands of one session in one batch.
        var commands = 1024

        /// Commands of one session in one batch whose answers may carry a body: with bodies of 64 KB this is 4 MB of
        /// answers at most, more only after these are written.
        var bodies = 64

        /// Commands of all sessions in one batch, more or less, shared out evenly where more have arrived: everybody waits
        /// for the batch to end, also at the other managers.
        var commandsInAll = 4096

        /// Commands of all sessions in one batch whose answers may carry a body, likewise.
        var bodiesInAll = 1024

        /// Bytes of bodies that one batch puts, more or less: a store may have a bound on a batch, and holds it in memory.
        var bytesInAll = 128 << 20

        /// Answers of all sessions in one batch that look at all tubes.
        var listsInAll = 16

        /// Bytes of lists of all tubes in one batch, or one such list.
        var bytesOfLists = 64 << 20

        /// What a body is taken to need before it is known how long it is.
        var bytesOfBody = 65535

        /// Rows that one batch changes for commands on many rows; as many for sessions that end, and as many for claims
        /// that have run out.
        var rows = Batch.mostRows

        /// Tubes that a session may watch.
        var watchedTubes = 1024
    }

    let limits: Limits
    var counters = CommandCounters()

    /// No new tasks are taken.
    var isDraining = false

    /// Tasks larger than this are refused by the decoder; `stats` tells it.
    let maximumTaskSize: Int

    /// What `stats` tells of the process.
    var host: HostDescription

    /// How many sessions that are not in this table wait for a tube, where the manager has several tables.
    var waitingElsewhere: ((TubeName) -> Int)?

    // Connections; those that are counted are the open ones but for those that are about to be closed.
    private(set) var openSessions = 0
    private(set) var countedSessions = 0
    var producers = 0
    var workers = 0

    // What there is to do.
    private(set) var ready: [Session] = []
    private(set) var ended: [Session] = []
    private var answered: [Session] = []

    // Who waits, and what they have been woken for.
    var waitingSessions = WaitingSessions()
    var wakes = Wakes()
    private var unawaited: Set<TubeName> = []
    var timeouts = TimeoutQueue()

    // The batch in the making or being run.
    var operations: [Operation] = []
    var steps: [Step] = []
    var room = BatchRoom(Limits())
    var owed = OwedTasks()
    var owesEveryone = false

    /// A claim in the batch may come short and leave its session waiting.
    var claimMayWait = false

    /// More had arrived than was put into the batch, or something long goes on in the next one.
    var wasCut = false

    /// There may be claims that have run out and for which the batch had no room.
    var hasOverdue = false

    /// Behind such a claim the batch makes tasks pending: a session that then waits has to be served in the next one, since
    /// it could not be known in this one.
    var madePendingBehindClaim = false

    /// How many bytes of answers with bodies one session may get in one batch; at least one such answer.
    var bytesForOne = Int.max

    /// No connection may watch more tubes than a few.
    var refusesWatches = false

    /// How long the last list of all tubes was, in bytes.
    var lastListBytes = 0

    /// What one session may have of a batch: so much that there is something for each.
    func share(of sessions: Int) -> (commands: Int, bodies: Int) {
        let sessions = max(1, sessions)
        return (
            min(limits.commands, max(16, limits.commandsInAll / sessions)),
            min(limits.bodies, max(1, limits.bodiesInAll / sessions), max(1, bytesForOne / limits.bytesOfBody))
        )
    }

    init(maximumTaskSize: Int, host: HostDescription, limits: Limits = Limits()) {
        self.maximumTaskSize = maximumTaskSize
        self.host = host
        self.limits = limits
        self.room = BatchRoom(limits)
    }

    // What happens from outside.

    /// A connection was accepted.
    mutating func open(_ session: Session) {
        openSessions += 1
        countedSessions += 1
        counters.connections += 1
        session.opening = true
        markReady(session)
    }

    /// A client sent something.
    mutating func receive(_ request: consuming Request, from session: Session) {
        session.queuedBytes += request.bodySize
        session.queue.append(consume request)
        if !session.isReady, !session.isWaiting { markReady(session) }
    }

    /// A client will send no more; what it sent is carried out, then ``Session/closing`` becomes ``Session/Closing/now``.
    mutating func finish(_ session: Session) {
        guard session.closing == .open else { return }
        session.closing = .afterQueue
        if session.wait != nil { endWait(of: session, with: .timedOut) }
        // The next statistics, which may be asked for at the same moment, do not count it any more.
        if session.queue.isEmpty, session.longCommand == nil { countOut(session) }
        markReady(session)
    }

    /// The manager is leaving: what the client sent is carried out, then the connection is closed.
    ///
    /// A `reserve` that waits gets no answer, since none of the protocol's would be true.
    mutating func leave(_ session: Session) {
        guard session.closing == .open else { return }
        session.closing = .afterQueue
        if session.wait != nil { endWait(of: session, with: nil) }
        markReady(session)
    }

    /// A connection is gone: what it asked for and was not begun is dropped, what it holds is given back.
    mutating func close(_ session: Session) {
        guard !session.hasEnded else { return }
        session.hasEnded = true
        session.closing = .now
        openSessions -= 1
        countOut(session)
        session.queue.removeAll()
        session.queuedBytes = 0
        session.replies.removeAll()
        if session.wait != nil { endWait(of: session, with: nil) }
        timeouts.forget(session)
        ended.append(session)
    }

    /// A slow connection can take answers again, or cannot any more.
    mutating func setCongested(_ isCongested: Bool, _ session: Session) {
        session.isCongested = isCongested
        if !isCongested { markReady(session) }
    }

    // What the engine asks.

    /// Whether a batch would have something to do even if no time passed.
    var hasWork: Bool { !ready.isEmpty || !ended.isEmpty || !wakes.isEmpty || hasOverdue }

    /// Whether something is to be done that others wait for: claims to give back, tasks for sessions that were woken.
    var isUrgent: Bool { !ended.isEmpty || !wakes.isEmpty }

    /// Sessions that wait for a task.
    var waiting: Int { waitingSessions.count }

    /// Sessions that wait for a task of this tube.
    func waiting(for tube: TubeName) -> Int { waitingSessions.count(for: tube) }

    /// Sessions that have got answers, or whose connection is to be closed, since this was last asked.
    mutating func takeAnswered() -> [Session] {
        defer { answered.removeAll(keepingCapacity: true) }
        return answered
    }

    /// Tubes that no session waits for any more.
    mutating func takeUnawaited() -> Set<TubeName> {
        guard !unawaited.isEmpty else { return [] }
        defer { unawaited.removeAll() }
        return unawaited.filter { waiting(for: $0) == 0 }
    }

    // For the extensions.

    mutating func markReady(_ session: Session) {
        guard !session.isReady, !session.hasEnded, !session.isPutOff else { return }
        session.isReady = true
        ready.append(session)
    }

    /// The sessions with something to do: those that put first, then those that delete, then the others, each in the order
    /// in which they came.
    ///
    /// What different sessions have asked for and not been answered has no order, and the store runs like operations that
    /// follow each other as one statement.
    mutating func takeReady() -> [Session] {
        defer { ready.removeAll(keepingCapacity: true) }
        guard let first = ready.first?.wish else { return [] }
        var isMixed = false
        for session in ready {
            session.isReady = false
            if session.wish != first { isMixed = true }
        }
        guard isMixed else { return ready }
        return Session.Wish.allCases.flatMap { wish in ready.filter { $0.wish == wish } }
    }

    /// Sessions that had no part in the batch, since it was long enough, come first in the next one.
    mutating func postpone(_ sessions: [Session]) {
        guard !sessions.isEmpty else { return }
        for session in sessions { session.isReady = true }
        ready.insert(contentsOf: sessions, at: 0)
    }

    mutating func takeEnded() -> [Session] {
        defer { ended.removeAll() }
        return ended
    }

    /// Sessions whose end the batch has no room for, or that could not be written down, come with the next batch.
    mutating func endLater(_ sessions: some Sequence<Session>) {
        ended.append(contentsOf: sessions)
        wasCut = true
    }

    mutating func reply(_ reply: Reply, to session: Session) {
        guard !session.hasEnded else { return }
        if session.replies.isEmpty { answered.append(session) }
        session.replies.append(reply)
    }

    /// The statistics do not count the connection any more.
    private mutating func countOut(_ session: Session) {
        guard session.isCounted else { return }
        session.isCounted = false
        countedSessions -= 1
        if session.isProducer { producers -= 1 }
        if session.isWorker { workers -= 1 }
    }

    /// The connection is to be closed once its answers are written.
    mutating func hangUp(_ session: Session) {
        guard !session.hasEnded, session.closing != .now else { return }
        session.closing = .now
        countOut(session)
        session.queue.removeAll()
        session.queuedBytes = 0
        if session.replies.isEmpty { answered.append(session) }
    }

    mutating func beginWait(of session: Session, until deadline: ContinuousClock.Instant?) {
        waitingSessions.add(session, until: deadline)
        timeouts.schedule(session)
    }

    mutating func endWait(of session: Session, with answer: Reply?) {
        waitingSessions.remove(session)
        unawaited.formUnion(session.watchedTubes)
        if let answer { reply(answer, to: session) }
        if !session.queue.isEmpty || session.closing == .afterQueue { markReady(session) }
    }

    /// The store began to await these tubes for a claim that did not come to wait after all.
    mutating func didNotWait(for tubes: [TubeName]) {
        unawaited.formUnion(tubes)
    }
}
