internal import BeanstalkWire
internal import TaskStore

/// All sessions of a manager: which of them have something to do, wait, have ended or have got answers.
///
/// It keeps these lists and the manager's counters right. It knows nothing of operations and outcomes.
struct SessionRegistry {
    /// The counters since the start.
    var counters = CommandCounters()

    /// The sessions that wait for a task.
    var waiters = Waiters()

    /// The times at which sessions have to be checked.
    var timeouts = TimeoutQueue()

    /// Whether new tasks are refused.
    var isDraining = false

    /// Returns the number of sessions of the manager's other lanes that wait for a tube, if there are several lanes.
    var waitingElsewhere: ((TubeName) -> Int)?

    /// The number of tubes that all sessions together may watch in addition.
    var watchesLeft = MemoryBudget.unlimited

    /// The number of claims that all sessions together may have in addition.
    var claimsLeft = MemoryBudget.unlimited

    private(set) var openSessions = 0

    /// The number of open sessions, except those that will be closed next.
    private(set) var countedSessions = 0
    private(set) var producers = 0
    private(set) var workers = 0

    /// The sessions with something to do, in the order in which they came.
    private(set) var ready: [Session] = []

    /// The sessions whose ends have to be stored.
    private(set) var ended: [Session] = []

    /// The sessions that have got answers, or whose connections have to be closed.
    private var answered: [Session] = []

    /// The commands of operators that are not in the log yet.
    var auditEntries: [AuditEntry] = []

    /// The sessions that have fewer claims and got no answer that tells it.
    private var relieved: [Session] = []

    // Events from outside.

    /// Adds the session of a connection that was accepted.
    mutating func open(_ session: Session) {
        openSessions += 1
        countedSessions += 1
        counters.connections += 1
        markReady(session)
    }

    /// Adds a request of a client.
    @inline(__always)
    mutating func receive(_ request: consuming Request, from session: Session) {
        session.queue.append(consume request)
        if !session.isReady, !session.isWaiting { markReady(session) }
    }

    /// Notes that a client will send no more.
    ///
    /// Its commands are carried out, then ``Session/closing`` becomes ``Session/Closing/now``.
    mutating func finish(_ session: Session) {
        guard session.closing == .open else { return }
        session.closeAfterQueue()
        if session.isWaiting { endWait(of: session, with: .timedOut) }
        // The next statistics do not count it any more, even if a client asks for them at the same moment.
        if session.queue.isEmpty, session.longCommand == nil { countOut(session) }
        markReady(session)
    }

    /// Ends a session because the manager leaves: the client's commands are carried out, then the connection is closed.
    ///
    /// A `reserve` that waits gets no answer, since no answer of the protocol would be true.
    mutating func leave(_ session: Session) {
        guard session.closing == .open else { return }
        session.closeAfterQueue()
        if session.isWaiting { endWait(of: session, with: nil) }
        markReady(session)
    }

    /// Notes that a connection is gone: commands that are not begun are dropped, and claims are released.
    mutating func close(_ session: Session) {
        guard !session.hasEnded else { return }
        session.end()
        openSessions -= 1
        countOut(session)
        if session.isWaiting { endWait(of: session, with: nil) }
        timeouts.forget(session)
        ended.append(session)
    }

    /// Notes that a slow connection takes answers again, or takes no more.
    mutating func setCongested(_ isCongested: Bool, _ session: Session) {
        session.setCongested(isCongested)
        if !isCongested { markReady(session) }
    }

    // What there is to do.

    /// Notes that a session has something to do.
    mutating func markReady(_ session: Session) {
        guard !session.isReady, !session.hasEnded, !session.isPutOff else { return }
        session.setReady(true)
        ready.append(session)
    }

    /// Removes and returns the sessions with something to do: first those that put, then those that delete, then the
    /// others, each in the order in which they came.
    ///
    /// The unanswered commands of different sessions have no order, and the store runs operations of one kind that
    /// follow each other as one statement.
    mutating func takeReady() -> [Session] {
        defer { ready.removeAll(keepingCapacity: true) }
        guard let first = ready.first?.queue.nextKind else { return [] }
        var isMixed = false
        for session in ready {
            session.setReady(false)
            if session.queue.nextKind != first { isMixed = true }
        }
        guard isMixed else { return ready }
        return RequestQueue.Kind.allCases.flatMap { kind in ready.filter { $0.queue.nextKind == kind } }
    }

    /// Puts sessions for which the batch had no room at the front, so that they come first in the next one.
    mutating func postpone(_ sessions: [Session]) {
        guard !sessions.isEmpty else { return }
        for session in sessions { session.setReady(true) }
        ready.insert(contentsOf: sessions, at: 0)
    }

    /// Removes and returns the sessions whose ends have to be stored.
    mutating func takeEnded() -> [Session] {
        defer { ended.removeAll() }
        return ended
    }

    /// Keeps sessions whose ends are not stored yet.
    mutating func endLater(_ sessions: some Sequence<Session>) {
        ended.append(contentsOf: sessions)
    }

    // Answers.

    /// Adds an answer to a session, unless the session has ended.
    mutating func reply(_ reply: consuming Reply, to session: Session) {
        guard !session.hasEnded else { return }
        if session.add(consume reply) { answered.append(session) }
    }

    /// Notes that the connection has to be closed once its answers are written.
    mutating func hangUp(_ session: Session) {
        guard session.closing < .now else { return }
        session.closeNow()
        countOut(session)
        if session.replies.isEmpty { answered.append(session) }
    }

    /// Removes and returns the sessions that have got answers, or whose connections have to be closed.
    mutating func takeAnswered() -> [Session] {
        defer { answered.removeAll(keepingCapacity: true) }
        return answered
    }

    // Claims.

    /// Returns the number of claims that a session may have in addition.
    func claimsAllowed(for session: Session) -> Int {
        MemoryBudget.more(than: session.claims.count, allowed: MemoryBudget.claimsAllowed, left: claimsLeft)
    }

    /// Notes that a claim of a session has ended without an answer.
    mutating func noteRelieved(_ session: Session) {
        if relieved.last !== session { relieved.append(session) }
    }

    /// Removes and returns the sessions that have fewer claims than before without an answer.
    mutating func takeRelieved() -> [Session] {
        guard !relieved.isEmpty else { return [] }
        defer { relieved.removeAll() }
        return relieved
    }

    // Waiting.

    mutating func beginWait(of session: Session, until deadline: ContinuousClock.Instant?) {
        waiters.add(session, until: deadline)
        timeouts.schedule(session)
    }

    mutating func endWait(of session: Session, with answer: Reply?) {
        waiters.remove(session)
        if let answer { reply(answer, to: session) }
        if !session.queue.isEmpty || session.closing == .afterQueue { markReady(session) }
    }

    /// Returns the number of sessions of all lanes that wait for a tube.
    func waitingEverywhere(for tube: TubeName) -> Int {
        waiters.count(for: tube) + (waitingElsewhere?(tube) ?? 0)
    }

    // Statistics.

    /// Counts a session that has put a task.
    mutating func markProducer(_ session: Session) {
        guard !session.isProducer else { return }
        session.markProducer()
        if session.isCounted { producers += 1 }
    }

    /// Counts a session that has asked for a task.
    mutating func markWorker(_ session: Session) {
        guard !session.isWorker else { return }
        session.markWorker()
        if session.isCounted { workers += 1 }
    }

    /// Removes the connection from the statistics.
    private mutating func countOut(_ session: Session) {
        guard session.isCounted else { return }
        session.countOut()
        countedSessions -= 1
        if session.isProducer { producers -= 1 }
        if session.isWorker { workers -= 1 }
    }
}
