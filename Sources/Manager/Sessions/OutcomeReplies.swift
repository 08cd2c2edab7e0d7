internal import BeanstalkWire
internal import TaskStore

/// Turns the outcomes of a batch into replies, and notes what they mean for the sessions.
struct OutcomeReplies {
    /// Returns the figures of the process; called only if a `stats` is answered.
    private let process: (SessionRegistry) -> ProcessStatistics

    /// The requests whose operations were not run: they are tried again in the next batch.
    var deferred: [(session: Session, request: Request)] = []

    /// The bytes of the last list of all tubes.
    private(set) var bytesOfList = 0

    /// The last list of all tubes in the answers of the present batch, which share their text.
    private var list: (names: [TubeName], text: [UInt8])?

    init(process: @escaping (SessionRegistry) -> ProcessStatistics) {
        self.process = process
    }

    /// Turns the outcomes of a batch into answers.
    ///
    /// - Parameters:
    ///   - outcomes: one outcome per operation of the batch, in order.
    ///   - late: the result of the renewal of claims.
    ///   - batch: the batch.
    ///   - sessions: the sessions, which get the answers.
    ///   - now: the time when the answers leave; the time to run of the claims in them counts from it.
    mutating func apply(
        _ outcomes: [Outcome],
        late: LateClaims? = nil,
        of batch: inout BuiltBatch,
        to sessions: inout SessionRegistry,
        at now: Moment
    ) {
        if let late, !late.isEmpty {
            applyLate(outcomes, late, of: &batch, to: &sessions, at: now)
        } else {
            var next = 0
            for index in batch.entries.indices {
                let entry = batch.entries[index]
                guard entry.hasOperation else {
                    applyKnown(entry, of: &batch, to: &sessions)
                    continue
                }
                apply(outcomes[next], of: next, to: entry, of: &batch, &sessions, at: now)
                next += 1
            }
        }
        if !deferred.isEmpty { putBackDeferred(in: &sessions) }
        list = nil
    }

    private mutating func putBackDeferred(in sessions: inout SessionRegistry) {
        for (session, request) in deferred.reversed() where session.closing < .now {
            session.queue.prepend(request)
            if !session.isWaiting { sessions.markReady(session) }
        }
        deferred.removeAll(keepingCapacity: true)
    }

    /// Applies an entry without an operation.
    func applyKnown(_ entry: BatchEntry, of batch: inout BuiltBatch, to sessions: inout SessionRegistry) {
        switch entry.kind {
        case .answer(let answer, let verb):
            if let verb { sessions.counters[verb] += 1 }
            sessions.reply(answer, to: entry.session)
        case .endLater:
            sessions.endLater([entry.session])
            batch.leave(.commands)
        default:
            break
        }
    }

    /// Applies the outcome of an entry's operation.
    ///
    /// - Parameters:
    ///   - outcome: the outcome.
    ///   - operation: the position of the operation in the batch.
    ///   - entry: the entry.
    ///   - batch: the batch.
    ///   - sessions: the sessions.
    ///   - now: the time when the answers leave.
    mutating func apply(
        _ outcome: Outcome,
        of operation: Int,
        to entry: BatchEntry,
        of batch: inout BuiltBatch,
        _ sessions: inout SessionRegistry,
        at now: Moment
    ) {
        let session = entry.session
        if case .locked = outcome { putOff(entry, &sessions, at: now) }
        if case .undone(let code) = outcome {
            return fail(entry, with: Self.answer(toUndone: code), of: &batch, &sessions, at: now)
        }
        switch entry.kind {
        case .answer, .endLater:
            break
        case .put(let verb):
            applyPut(outcome, of: operation, verb, session, batch, &sessions)
        case .store(let verb, let claim):
            if outcome.isNotRun {
                let action = batch.operations[operation].action
                return deferred.append((session, .command(.store(verb, action))))
            }
            sessions.counters[verb] += 1
            if session.principal != nil { sessions.audit(session, verb, batch.operations[operation].action, outcome) }
            if let claim { noteClaim(on: claim, after: outcome, session, at: now) }
            sessions.reply(answer(to: verb, outcome, session, &sessions, at: now), to: session)
        case .command(let boxed):
            applyCommand(boxed.command, outcome, of: operation, session, batch, &sessions, at: now)
        case .reserve(let timeout, let count, let waits):
            let reserve = Reserve(command: Command(reserveFor: timeout), count: count, waits: waits)
            applyReserve(outcome, reserve, session, batch, &sessions, at: now)
        case .serve(let tube):
            applyServe(outcome, session, for: tube, batch, &sessions, at: now)
        case .countUse(let tube, let using, let watching):
            session.noteCount(at: tube, using: using, watching: watching)
        case .long:
            applyStep(outcome, session, &sessions, at: now)
        case .expire(let task):
            applyExpiry(outcome, of: task, session, &sessions, at: now)
        case .disconnect(let known):
            applyDisconnect(outcome, known: known, session, &batch, &sessions)
        }
    }

    /// Delays the next try of a command that met another program's lock, so that no other session waits with it.
    private func putOff(_ entry: BatchEntry, _ sessions: inout SessionRegistry, at now: Moment) {
        if case .expire = entry.kind { return }
        entry.session.putOff(until: now.instant + Self.pauseForLock)
        sessions.timeouts.schedule(entry.session)
    }

    /// The time until a locked command is tried again.
    static let pauseForLock = Duration.milliseconds(20)

    /// Applies a put.
    ///
    /// The task stays in the operation, unless the put is deferred: copying it would cost too much.
    private mutating func applyPut(
        _ outcome: Outcome,
        of operation: Int,
        _ verb: Verb,
        _ session: Session,
        _ batch: borrowing BuiltBatch,
        _ sessions: inout SessionRegistry
    ) {
        let answer: Reply
        switch outcome {
        case .inserted(let task): answer = .inserted(task)
        case .exists(let task): answer = .exists(task)
        case .storageFull: answer = .outOfMemory
        case .deferred, .locked:
            guard case .put(let task) = batch.operations[operation].action else { return }
            return deferred.append((session, .command(Command(putting: task))))
        default: answer = .internalError
        }
        sessions.markProducer(session)
        sessions.counters[verb] += 1
        sessions.reply(answer, to: session)
    }

    /// Returns the answer to a command that shows its outcome.
    mutating func answer(
        to verb: Verb,
        _ outcome: Outcome,
        _ session: Session,
        _ sessions: inout SessionRegistry,
        at now: Moment
    ) -> Reply {
        switch outcome {
        case .claimed(let tasks):
            guard let task = tasks.first else { return .notFound }
            sessions.markWorker(session)
            hold(task, session, &sessions, at: now)
            return .reserved(task.id, body: task.body)
        case .deleted: return .deleted
        case .released: return .released
        case .buried: return .buried
        case .touched: return .touched
        case .kicked(let count): return verb == .kickJob ? .kickedTask : .kicked(count)
        case .found(let task, let body): return .found(task, body: body)
        case .paused: return .paused
        case .task(let statistics): return .ok(YAMLText.render(statistics.figures))
        case .tube(let statistics):
            let waiting = sessions.waitingEverywhere(for: statistics.name)
            return .ok(YAMLText.render(statistics.figures(waiting: waiting)))
        case .store(let statistics):
            let figures = ManagerStatistics(store: statistics, process: process(sessions)).figures
            return .ok(YAMLText.render(figures))
        case .tubes(let names):
            if let list, list.names == names { return .ok(list.text) }
            let text = YAMLText.render(names)
            list = (names, text)
            bytesOfList = text.count
            return .ok(text)
        case .notFound: return .notFound
        case .superseded:
            session.claims = SessionClaims()
            return .sessionTaken
        case .broken: return .broken
        case .moved(let count): return verb == .moveJob ? .movedTask : .moved(count)
        case .edited: return .edited
        case .drainingSet: return verb == .drainManager ? .draining : .serving
        case .inspected(let inspection):
            let shown = session.mayReadBodies ? inspection : inspection.withoutBodies
            let document = InspectDocument(shown, at: now.timestamp) { sessions.waitingEverywhere(for: $0) }
            return .ok(document.bytes)
        case .inserted, .exists, .storageFull, .cleared, .useCounted, .disconnected, .ended, .attached, .deferred,
            .locked, .failed, .damaged, .undone:
            return .internalError
        }
    }
}

extension Outcome {
    /// Whether the operation was not run and is tried again.
    var isNotRun: Bool {
        switch self {
        case .deferred, .locked: true
        default: false
        }
    }
}
