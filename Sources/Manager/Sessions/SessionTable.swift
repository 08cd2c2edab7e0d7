internal import BeanstalkWire
internal import TaskStore

/// All sessions of a manager, and the way from their commands to operations and from outcomes to their answers.
///
/// It does no I/O and reads no clock. The engine calls it on its event loop, in this order, again and again:
///
/// 1. ``open(_:)``, ``receive(_:from:)``, ``close(_:)``, ``wakeWaiting()`` for each event;
/// 2. ``makeBatch(at:)`` turns all that can be done now into operations;
/// 3. the store runs them; ``apply(_:at:)`` (or ``fail(with:)``) turns the outcomes into answers;
/// 4. ``takeAnswered()`` names the sessions whose ``Session/replies`` are to be written.
///
/// Between 2 and 3 only the functions of 1 may be called.
struct SessionTable {
    /// Bounds on the commands of one session, and of all, in one batch, so that all sessions get their share.
    struct Limits {
        /// Commands of one session in one batch.
        var commands = 1024

        /// Commands of one session in one batch whose answers may carry a body: with bodies of 64 KB this is 4 MB of
        /// answers at most, more only after these are written.
        var bodies = 64

        /// Commands of all sessions in one batch, approximately.
        ///
        /// If more have arrived, each session has an equal share. All sessions wait for the end of the batch, also at
        /// the other managers.
        var commandsInAll = 4096

        /// Commands of all sessions in one batch whose answers may have a body, approximately.
        var bodiesInAll = 1024

        /// Bytes of bodies that one batch puts, approximately: a store may have a bound on a batch, and holds it in
        /// memory.
        var bytesInAll = 128 << 20

        /// Bytes of bodies that are put and answered for heavy sessions in a batch that has light sessions too,
        /// approximately: they take about as long as a batch without them.
        var bytesBesideLight = 1 << 20

        /// Answers of all sessions in one batch that look at all tubes.
        var listsInAll = 16

        /// Bytes of lists of all tubes in one batch, or one such list.
        var bytesOfLists = 64 << 20

        /// The bytes that are counted for a body before its length is known.
        var bytesOfBody = 65535

        /// Rows that one batch changes for commands on many rows.
        ///
        /// The same limit holds for sessions that end, and for claims whose time is over.
        var rows = Batch.mostRows

        /// Tubes that a session may watch.
        var watchedTubes = 1024
    }

    let limits: Limits
    var counters = CommandCounters()

    /// Whether new tasks are refused.
    var isDraining = false

    /// The decoder refuses tasks that are larger than this; `stats` reports it.
    let maximumTaskSize: Int

    /// The description of the process in `stats`.
    var host: HostDescription

    /// Returns the number of sessions in the manager's other tables that wait for a tube, if it has several tables.
    var waitingElsewhere: ((TubeName) -> Int)?

    // Connections. The counted ones are the open ones, except those that will be closed next.
    private(set) var openSessions = 0
    private(set) var countedSessions = 0
    var producers = 0
    var workers = 0

    // What there is to do.
    private(set) var ready: [Session] = []
    private(set) var ended: [Session] = []
    private var answered: [Session] = []

    // The sessions that wait, and the reasons for which they were woken.
    var waitingSessions = WaitingSessions()
    var wakes = Wakes()
    private var unawaited: Set<TubeName> = []
    var timeouts = TimeoutQueue()

    // The batch that is being built or run.
    var operations: [Operation] = []
    var steps: [Step] = []
    var room = BatchRoom(Limits())
    var owed = OwedTasks()
    var owesEveryone = false

    /// Whether a claim in the batch may get too few tasks, so that its session waits.
    var claimMayWait = false

    /// Whether more commands had arrived than the batch has, or a long command continues in the next one.
    var wasCut = false

    /// Whether there may be claims whose time is over and for which the batch had no room.
    var hasOverdue = false

    /// Whether the batch makes tasks pending behind such a claim.
    ///
    /// A session that then waits has to be served in the next batch, since this one could not know of it.
    var madePendingBehindClaim = false

    /// The bytes of answers with bodies that one session may get in one batch; at least one such answer.
    var bytesForOne = Int.max

    /// The number of tubes that all sessions together may watch in addition.
    var watchesLeft = MemoryBudget.unlimited

    /// The number of claims that all sessions together may have in addition.
    var claimsLeft = MemoryBudget.unlimited

    /// Sessions that have fewer claims and got no answer that tells it.
    private var relieved: [Session] = []

    /// The bytes of the last list of all tubes.
    var lastListBytes = 0

    /// The last list of all tubes in the answers of the present batch.
    var listText: (names: [TubeName], text: [UInt8])?

    /// Returns one session's share of a batch, so that there is a share for each session.
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

    // Events from outside.

    /// Adds the session of a connection that was accepted.
    mutating func open(_ session: Session) {
        openSessions += 1
        countedSessions += 1
        counters.connections += 1
        session.opening = true
        markReady(session)
    }

    /// Adds a request of a client.
    mutating func receive(_ request: consuming Request, from session: Session) {
        session.queuedBytes += request.bodySize
        session.queue.append(consume request)
        if !session.isReady, !session.isWaiting { markReady(session) }
    }

    /// Notes that a client will send no more.
    ///
    /// Its commands are carried out, then ``Session/closing`` becomes ``Session/Closing/now``.
    mutating func finish(_ session: Session) {
        guard session.closing == .open else { return }
        session.closing = .afterQueue
        if session.wait != nil { endWait(of: session, with: .timedOut) }
        // The next statistics do not count it any more, even if a client asks for them at the same moment.
        if session.queue.isEmpty, session.longCommand == nil { countOut(session) }
        markReady(session)
    }

    /// Ends a session because the manager leaves: the client's commands are carried out, then the connection is closed.
    ///
    /// A `reserve` that waits gets no answer, since no answer of the protocol would be true.
    mutating func leave(_ session: Session) {
        guard session.closing == .open else { return }
        session.closing = .afterQueue
        if session.wait != nil { endWait(of: session, with: nil) }
        markReady(session)
    }

    /// Notes that a connection is gone: commands that are not begun are dropped, and claims are given back.
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

    /// Notes that a slow connection takes answers again, or takes no more.
    mutating func setCongested(_ isCongested: Bool, _ session: Session) {
        session.isCongested = isCongested
        if !isCongested { markReady(session) }
    }

    // Questions of the engine.

    /// Whether a batch would have something to do now.
    var hasWork: Bool { !ready.isEmpty || !ended.isEmpty || !wakes.isEmpty || hasOverdue }

    /// Whether there is work for which other sessions wait: claims to give back, and tasks for sessions that were
    /// woken.
    var isUrgent: Bool { !ended.isEmpty || !wakes.isEmpty }

    /// The number of sessions that wait for a task.
    var waiting: Int { waitingSessions.count }

    /// Returns the number of sessions that wait for a task of this tube.
    func waiting(for tube: TubeName) -> Int { waitingSessions.count(for: tube) }

    /// Returns the sessions that have got answers, or whose connections have to be closed, since the last call.
    mutating func takeAnswered() -> [Session] {
        defer { answered.removeAll(keepingCapacity: true) }
        return answered
    }

    /// Returns the sessions that have fewer claims than before without an answer, since the last call.
    mutating func takeRelieved() -> [Session] {
        guard !relieved.isEmpty else { return [] }
        defer { relieved.removeAll() }
        return relieved
    }

    /// Notes that a claim of a session has ended without an answer.
    mutating func noteRelieved(_ session: Session) {
        if relieved.last !== session { relieved.append(session) }
    }

    /// Returns the number of claims that a session may have in addition.
    func claimsAllowed(for session: Session) -> Int {
        MemoryBudget.more(than: session.claims.count, allowed: MemoryBudget.claimsAllowed, left: claimsLeft)
    }

    /// Returns the tubes for which no session waits any more.
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

    /// Returns the sessions with something to do: first those that put, then those that delete, then the others, each
    /// in the order in which they came.
    ///
    /// The unanswered commands of different sessions have no order, and the store runs operations of one kind that
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

    /// Puts sessions for which the batch had no room at the front, so that they come first in the next one.
    mutating func postpone(_ sessions: [Session]) {
        guard !sessions.isEmpty else { return }
        for session in sessions { session.isReady = true }
        ready.insert(contentsOf: sessions, at: 0)
    }

    mutating func takeEnded() -> [Session] {
        defer { ended.removeAll() }
        return ended
    }

    /// Keeps sessions for the next batch whose end had no room in this one, or could not be stored.
    mutating func endLater(_ sessions: some Sequence<Session>) {
        ended.append(contentsOf: sessions)
        wasCut = true
    }

    mutating func reply(_ reply: Reply, to session: Session) {
        guard !session.hasEnded else { return }
        if session.replies.isEmpty { answered.append(session) }
        session.replies.append(reply)
    }

    /// Removes the connection from the statistics.
    private mutating func countOut(_ session: Session) {
        guard session.isCounted else { return }
        session.isCounted = false
        countedSessions -= 1
        if session.isProducer { producers -= 1 }
        if session.isWorker { workers -= 1 }
    }

    /// Notes that the connection has to be closed once its answers are written.
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

    /// Notes tubes that the store began to await for a claim that did not have to wait.
    mutating func didNotWait(for tubes: [TubeName]) {
        unawaited.formUnion(tubes)
    }
}
