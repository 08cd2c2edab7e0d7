import BeanstalkWire
import TaskStore

@testable import Manager

/// A session table driven by hand: the test plays the connections, the store and the clocks.
///
/// The store is a script: a test sets ``store``, which answers each operation of a batch. An operation that it does not
/// answer gets the outcome of a store in which everything succeeds.
final class SessionScript {
    var table: SessionTable
    var now = Moment(instant: .now, timestamp: Timestamp(rawValue: 1_700_000_000_000))

    /// Returns the store's outcome of an operation; `nil` for the usual one.
    var store: (Operation) -> Outcome? = { _ in nil }

    /// All operations that were run, batch by batch.
    private(set) var batches: [[Operation]] = []

    private var lastConnection: UInt32 = 0
    private var lastTask: Int64 = 0

    /// The last task, for stores that hand out tasks.
    var lastClaimed: Int64 = 0

    init(limits: BatchLimits = .init()) {
        table = SessionTable(limits: limits, process: Self.process)
    }

    /// Returns figures of a process in which only the counters are real.
    static func process(_ sessions: SessionRegistry) -> ProcessStatistics {
        ProcessStatistics(
            counters: sessions.counters,
            maximumTaskSize: 65535,
            connections: 0,
            producers: 0,
            workers: 0,
            waiting: 0,
            uptime: 0,
            usage: ProcessorTime(user: .zero, system: .zero),
            isDraining: false,
            host: HostDescription(version: "t", processID: 1, instance: "i", name: "n", system: "s", platform: "p")
        )
    }

    /// Opens a session and runs its first batch, which counts it at the default tube.
    func connect() -> Session {
        lastConnection += 1
        let session = Session(id: SessionID(connection: lastConnection, of: ManagerID(rawValue: 1)))
        table.sessions.open(session)
        turn()
        return session
    }

    /// Lets commands arrive.
    func send(_ commands: Command..., from session: Session) {
        for command in commands { table.sessions.receive(.command(command), from: session) }
    }

    /// Runs batches until there is nothing left to do, and returns the session's answers.
    @discardableResult
    func replies(to session: Session) -> [Reply] {
        while table.hasWork { turn() }
        defer { session.forgetReplies(keepingRoomFor: 0) }
        return session.replies
    }

    /// Runs one batch.
    ///
    /// - Parameters:
    ///   - lost: tasks whose claims end before they can be renewed, in a batch whose answers are late.
    ///   - isUncertain: whether the answers are late and the store cannot renew the claims.
    ///   - answeredAt: when the answers leave; `nil` for at once.
    ///   - tubes: the tubes in which the store reports more tasks to claim; `nil` if it does not know.
    func turn(
        lost: [TaskID] = [],
        isUncertain: Bool = false,
        answeredAt: ContinuousClock.Instant? = nil,
        moreToClaim tubes: [TubeName]? = nil
    ) {
        let operations = table.makeBatch(at: now)
        if !operations.isEmpty { batches.append(operations) }
        var outcomes = outcomes(of: operations)
        var late: LateClaims?
        if !lost.isEmpty || isUncertain {
            var claims = LateClaims(operations, outcomes, since: now.instant, tolerance: .zero)
            if isUncertain { claims.giveUp() }
            let renewed = claims.renewals.map { operation -> Outcome in
                lost.contains { operation.action == .touch($0) } ? .notFound : .touched
            }
            claims.note(renewed, since: now.instant, in: &outcomes)
            late = claims
        }
        var answered = now
        if let answeredAt { answered.instant = answeredAt }
        table.apply(outcomes, late: late, at: answered, moreToClaim: tubes)
        _ = table.sessions.takeAnswered()
    }

    /// Moves both clocks on, and runs the batches that follow from it.
    func pass(_ time: Duration) {
        now.instant += time
        now.timestamp = Timestamp(rawValue: now.timestamp.rawValue + time.milliseconds)
        turn()
    }

    /// Returns a task as the store hands it out.
    func task(_ id: Int64, timeToRun: UInt32 = 60, tube: TubeName = .default) -> ClaimedTask {
        ClaimedTask(id: TaskID(rawValue: id), tube: tube, timeToRun: timeToRun, body: [])
    }

    /// Returns a claim as the store reports it when a connection attaches to its named session.
    func heldClaim(_ id: Int64) -> HeldClaim {
        HeldClaim(id: TaskID(rawValue: id), tube: .default, timeToRun: 60, timeLeft: 60_000)
    }

    private func outcomes(of operations: [Operation]) -> [Outcome] {
        var deferred: Set<SessionID> = []
        return operations.map { operation in
            if deferred.contains(operation.session) { return .deferred }
            let outcome = store(operation) ?? usualOutcome(of: operation.action)
            if case .claim(_, let count, waits: true) = operation.action, case .claimed(let tasks) = outcome,
                tasks.count < count
            {
                deferred.insert(operation.session)
            }
            return outcome
        }
    }

    private func usualOutcome(of action: Action) -> Outcome {
        switch action {
        case .put(let task):
            if task.key != nil { return .exists(TaskID(rawValue: 1)) }
            lastTask += 1
            return .inserted(TaskID(rawValue: lastTask))
        case .claim: return .claimed([])
        case .claimTask, .peek, .peekNext, .taskStatistics: return .notFound
        case .delete: return .deleted
        case .release, .expire: return .released
        case .bury: return .buried
        case .touch: return .touched
        case .kick, .kickTask: return .kicked(1)
        case .pause: return .paused
        case .tubeStatistics(let tube): return .tube(TubeStatistics(name: tube))
        case .storeStatistics: return .store(StoreStatistics(counts: TaskCounts(), totalTasks: 0, tubes: 1))
        case .listTubes: return .tubes([.default])
        case .countUse: return .useCounted
        case .disconnect: return .disconnected(0)
        case .attach: return .attached([])
        case .clear: return .cleared(0)
        case .breakClaim: return .broken
        case .endSession: return .ended(0)
        case .moveTask: return .moved(1)
        case .moveTasks: return .moved(0)
        case .editTask: return .edited
        case .setDraining: return .drainingSet
        case .inspect: return .inspected(.managers([]))
        }
    }
}

extension Session {
    /// Makes it a session whose last answers had this size.
    func hadAnswers(ofBytes bytes: Int) {
        _ = add(.deleted)
        noteSize(ofAnswers: bytes)
        forgetReplies(keepingRoomFor: 0)
    }
}
