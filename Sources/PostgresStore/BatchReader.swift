import TaskStore

/// Turns the rows of `run_batch_2` into outcomes, and counts what changed.
struct BatchReader {
    /// What the function calls its rows.
    private enum Code: Int32 {
        case outcome = 0
        case heldBack, displaced, tubeRemoved, madePending, end, pauseEnded, mustWrite, sessionTaken, locked, leftOver
    }

    private enum Column {
        static let operation = 0
        static let code = 1
        static let id = 2
        static let tube = 3
        static let n1 = 4
        static let n2 = 5
        static let n3 = 6
        static let figures = 7
        static let body = 8
    }

    private let operations: [Operation]
    private let plan: BatchPlan
    private let answer: Answer

    /// One for each operation.
    private(set) var outcomes: [Outcome]

    /// What changed in the tubes.
    private(set) var tally = Tally()

    /// How the members stand after the batch.
    private(set) var members: Members

    /// What time it was on the server.
    private(set) var now: Int64 = 0

    /// When the next delay or pause ends, on the server's clock.
    private(set) var nextEvent: Int64?

    /// Whether a delay or a pause has ended.
    private(set) var timePassed = false

    /// The transaction's number; none where it changed nothing.
    private(set) var transaction: Int64?

    /// Whether nothing was done, since time has ended something and a batch that only reads cannot write that down.
    private(set) var mustWrite = false

    /// How many keys were added.
    private(set) var keysAdded: Int64 = 0

    /// Holders that are gone and of which claims are still to be returned.
    private(set) var leftovers: [Int64] = []

    /// Whether another program has locked something that an operation names.
    private(set) var hasMetLock = false

    /// Tubes of claims that came short and wait.
    private(set) var cameShort: [TubeName] = []

    /// Whether the batch did something that must last.
    private(set) var needsDurability = false

    /// Tasks claimed by operations that were run together, with whose they are and their priorities.
    private var claimed: [(holder: Int64, priority: Int64, task: ClaimedTask)] = []

    /// The sessions that were taken up, by the operations that did it.
    private var taken: [Int: Int64] = [:]

    /// Tasks with keys that were deleted together with others; the keys have to be told.
    private(set) var retired: [Int64] = []

    /// The puts that were last run together, and which of them comes next.
    private var puts = (first: -1, next: 0)

    /// Which deletes of those that were last run together concerned which tasks.
    private var deletions: (first: Int, byTask: [TaskID: Int]) = (-1, [:])

    init(_ answer: Answer, _ operations: [Operation], _ plan: BatchPlan, _ members: Members) {
        self.answer = answer
        self.operations = operations
        self.plan = plan
        self.members = members
        outcomes = operations.map { $0.action.outcomeWithoutRows }
        read()
    }

    private mutating func read() {
        var current = 0
        for row in 0..<answer.rows {
            let number = Int(answer.int32(row, Column.operation))
            // Claims are complete once another operation begins.
            if number != current { handOut(current) }
            current = number
            guard let code = Code(rawValue: answer.int32(row, Column.code)) else { continue }
            switch code {
            case .outcome where number > 0: readOutcome(row, number - 1)
            case .heldBack, .displaced, .locked: readRefusal(code, number - 1)
            case .leftOver: leftovers.append(answer.int64(row, Column.id))
            case .tubeRemoved: tally.remove(answer.text(row, Column.tube))
            case .madePending: readMadePending(row, number - 1)
            case .pauseEnded: tally.unpause(answer.text(row, Column.tube))
            case .mustWrite: mustWrite = true
            case .sessionTaken:
                taken[number - 1] = answer.int64(row, Column.id)
            case .end, .outcome: readEnd(row)
            }
        }
        settle()
    }

    private mutating func readEnd(_ row: Int) {
        now = answer.int64(row, Column.n1)
        nextEvent = answer.isNull(row, Column.n2) ? nil : answer.int64(row, Column.n2)
        timePassed = answer.int64(row, Column.n3) == 1
        if let number = answer.int64s(row, Column.figures).first, number > 0 { transaction = number }
    }

    /// All operations that were run together have the outcome, though only the first was told.
    private mutating func readRefusal(_ code: Code, _ index: Int) {
        let outcome: Outcome =
            switch code {
            case .heldBack: .heldBack
            case .locked: .locked
            default: .displaced
            }
        if code == .locked { hasMetLock = true }
        for other in index..<Int(plan.ends[index]) { outcomes[other] = outcome }
    }

    private mutating func readMadePending(_ row: Int, _ index: Int) {
        let (count, urgent) = (answer.int64(row, Column.n1), answer.int64(row, Column.n2))
        if let state = TaskState(number: answer.int64(row, Column.n3)) {
            tally.makePending(count, urgent: urgent, answer.text(row, Column.tube), from: state)
        }
        guard index >= 0 else { return }
        switch outcomes[index] {
        case .givenBack(let known): outcomes[index] = .givenBack(known + Int(count))
        default: outcomes[index] = .kicked(Int(count))
        }
    }

    private mutating func readOutcome(_ row: Int, _ index: Int) {
        let connection = operations[index].session.connection
        let id = TaskID(rawValue: answer.int64(row, Column.id))
        let tube = answer.text(row, Column.tube)
        switch operations[index].action {
        case .put(let task) where task.key == nil:
            readPut(id, index)
        case .put(let task):
            guard answer.int64(row, Column.n1) == 1 else {
                outcomes[index] = .exists(id)
                return
            }
            tally.put(task.tube.text, priority: Int64(task.priority), isDelayed: task.delay > 0)
            keysAdded += 1
            outcomes[index] = .inserted(id)
        case .claim:
            let priority = answer.int64(row, Column.n2)
            tally.move(tube, from: .pending, to: .claimed, oldPriority: priority, newPriority: priority)
            claimed.append((answer.int64(row, Column.n1), priority, task(row)))
        case .claimTask:
            let priority = answer.int64(row, Column.n2)
            let state = TaskState(number: answer.int64(row, Column.n1)) ?? .pending
            tally.move(tube, from: state, to: .claimed, oldPriority: priority, newPriority: priority)
            members.hold(id, connection)
            outcomes[index] = .claimed([task(row)])
        case .delete:
            let state = TaskState(number: answer.int64(row, Column.n1)) ?? .claimed
            let isUrgent = answer.int64(row, Column.n2) < QueueRules.urgentBelow
            tally.delete(1, urgent: isUrgent ? 1 : 0, tube, from: state)
            members.letGo(id)
            let place = deletion(of: id, from: index)
            if plan.ends[index] > index + 1, answer.int64(row, Column.n3) == 1 { retired.append(id.rawValue) }
            outcomes[place] = .deleted
        case .release(let id, let priority, let delay):
            members.letGo(id)
            let state: TaskState = delay > 0 ? .delayed : .pending
            tally.move(tube, from: .claimed, to: state, oldPriority: 0, newPriority: Int64(priority))
            outcomes[index] = .released
        case .bury(let id, let priority):
            members.letGo(id)
            tally.move(tube, from: .claimed, to: .buried, oldPriority: 0, newPriority: Int64(priority))
            outcomes[index] = .buried
        case .touch:
            outcomes[index] = .touched
        case .peek, .peekNext:
            outcomes[index] = .found(id, body: answer.bytes(row, Column.body))
        case .pause(let tube, let seconds):
            if seconds == 0 { tally.unpause(tube.text) }
            outcomes[index] = .paused
        case .taskStatistics:
            outcomes[index] = taskStatistics(row)
        case .tubeStatistics(let tube):
            outcomes[index] = .tube(tubeStatistics(tube, row))
        case .storeStatistics:
            outcomes[index] = .store(storeStatistics(row))
        case .listTubes:
            if case .tubes(var names) = outcomes[index], let name = TubeName(tube) {
                names.append(name)
                outcomes[index] = .tubes(names)
            }
        case .expire(let id):
            members.letGo(id)
            let priority = answer.int64(row, Column.n2)
            tally.move(tube, from: .claimed, to: .pending, oldPriority: priority, newPriority: priority)
            outcomes[index] = .released
        case .takeUp:
            members.hold(id, connection)
            guard case .tookUp(var claims) = outcomes[index] else { return }
            claims.append(
                HeldClaim(
                    id: id,
                    tube: TubeName(tube) ?? .default,
                    timeToRun: UInt32(clamping: answer.int64(row, Column.n1)),
                    timeLeft: answer.int64(row, Column.n2)
                )
            )
            outcomes[index] = .tookUp(claims)
        case .clear(let tube, let state, _):
            let (count, urgent) = (answer.int64(row, Column.n1), answer.int64(row, Column.n2))
            tally.delete(count, urgent: urgent, tube.text, from: state)
            outcomes[index] = .cleared(Int(count))
        case .kick, .kickTask, .refer, .giveBack, .giveBackAll:
            break
        }
    }

    /// Puts that were run together have got their numbers in order.
    private mutating func readPut(_ id: TaskID, _ first: Int) {
        if puts.first != first { puts = (first, first) }
        defer { puts.next += 1 }
        guard puts.next < Int(plan.ends[first]), case .put(let task) = operations[puts.next].action else { return }
        tally.put(task.tube.text, priority: Int64(task.priority), isDelayed: task.delay > 0)
        outcomes[puts.next] = .inserted(id)
    }

    private func task(_ row: Int) -> ClaimedTask {
        ClaimedTask(
            id: TaskID(rawValue: answer.int64(row, Column.id)),
            tube: TubeName(answer.text(row, Column.tube)) ?? .default,
            timeToRun: UInt32(clamping: answer.int64(row, Column.n3)),
            body: answer.bytes(row, Column.body)
        )
    }

    /// Gives the tasks that a line of claims got to those who stand in it.
    private mutating func handOut(_ number: Int) {
        guard !claimed.isEmpty, number > 0 else { return }
        // RETURNING gives rows in any order.
        claimed.sort { ($0.priority, $0.task.id) < ($1.priority, $1.task.id) }
        var byHolder: [UInt32: [ClaimedTask]] = [:]
        let range = (number - 1)..<Int(plan.ends[number - 1])
        for (holder, _, task) in claimed {
            let session = SessionID(rawValue: holder)
            // A named session's own number says nothing of the connection; its claims are run alone.
            let connection =
                range.count == 1 ? operations[number - 1].session.connection : session.connection
            byHolder[connection, default: []].append(task)
            members.hold(task.id, connection)
        }
        claimed.removeAll()
        for index in range {
            guard case .claim(_, let count, _) = operations[index].action else { continue }
            let connection = operations[index].session.connection
            guard var tasks = byHolder[connection] else { continue }
            outcomes[index] = .claimed(Array(tasks.prefix(count)))
            tasks.removeFirst(min(count, tasks.count))
            byHolder[connection] = tasks
        }
    }

    /// Which of the deletes that were run together concerned a task.
    private mutating func deletion(of id: TaskID, from first: Int) -> Int {
        let range = first..<Int(plan.ends[first])
        if range.count == 1 { return first }
        if deletions.first != first {
            deletions = (first, [:])
            for index in range {
                if case .delete(let id) = operations[index].action { deletions.byTask[id] = index }
            }
        }
        return deletions.byTask[id] ?? first
    }

    /// Draws conclusions from the outcomes as a whole.
    private mutating func settle() {
        for (index, outcome) in outcomes.enumerated() {
            let operation = operations[index]
            if outcome.mustBeDurable { needsDurability = true }
            switch outcome {
            case .tookUp:
                members.take(taken[index] ?? 0, operation.session.connection)
            case .givenBack: members.end(operation.session.connection)
            case .claimed(let tasks):
                if case .claim(let tubes, let count, waits: true) = operation.action, tasks.count < count {
                    cameShort.append(contentsOf: tubes)
                }
            case .referred:
                if case .refer(let tube, let using, let watching) = operation.action {
                    members.refer(tube, using: using, watching: watching)
                }
            default: break
            }
        }
    }
}

extension BatchReader {
    /// The same, but that whoever claimed something has got nothing.
    func withoutClaims() -> BatchReader {
        var reader = self
        for (index, outcome) in outcomes.enumerated() {
            switch outcome {
            case .claimed(let tasks) where !tasks.isEmpty:
                if case .claim = operations[index].action {
                    reader.outcomes[index] = .claimed([])
                } else {
                    reader.outcomes[index] = .notFound
                }
            case .tookUp, .touched: reader.outcomes[index] = .notFound
            default: break
            }
        }
        reader.members.letGoOfAll()
        return reader
    }

    private func taskStatistics(_ row: Int) -> Outcome {
        let figures = answer.int64s(row, Column.figures)
        guard figures.count == 11, let state = TaskState(number: figures[0]) else { return .notFound }
        return .task(
            TaskStatistics(
                id: TaskID(rawValue: answer.int64(row, Column.id)),
                tube: TubeName(answer.text(row, Column.tube)) ?? .default,
                state: state,
                priority: UInt32(clamping: figures[1]),
                age: figures[2],
                delay: UInt32(clamping: figures[3]),
                timeToRun: UInt32(clamping: figures[4]),
                timeLeft: figures[5],
                reserves: Int(figures[6]),
                timeouts: Int(figures[7]),
                releases: Int(figures[8]),
                buries: Int(figures[9]),
                kicks: Int(figures[10])
            )
        )
    }

    /// What the table says, and what this batch has changed so far and not written yet.
    private func tubeStatistics(_ tube: TubeName, _ row: Int) -> TubeStatistics {
        let figures = answer.int64s(row, Column.figures)
        var statistics = TubeStatistics(name: tube)
        guard figures.count == 13 else { return statistics }
        let delta = tally[tube.text]
        statistics.counts = TaskCounts(figures, plus: delta)
        statistics.totalTasks = Int(figures[5] + delta.totalTasks)
        statistics.deletes = Int(figures[6] + delta.deletes)
        statistics.pauses = Int(figures[7])
        statistics.pause = UInt32(clamping: figures[8])
        statistics.pauseTimeLeft = figures[9]
        statistics.using = Int(figures[10])
        statistics.watching = Int(figures[11])
        statistics.oldestPendingAge = figures[12]
        return statistics
    }

    private func storeStatistics(_ row: Int) -> StoreStatistics {
        let figures = answer.int64s(row, Column.figures)
        guard figures.count == 7 else { return StoreStatistics(counts: TaskCounts(), totalTasks: 0, tubes: 0) }
        return StoreStatistics(
            counts: TaskCounts(figures, plus: tally.total),
            totalTasks: Int(figures[5]),
            tubes: Int(figures[6])
        )
    }
}

extension TaskCounts {
    fileprivate init(_ figures: [Int64], plus delta: CountDeltas) {
        self.init()
        pending = Int(figures[0] + delta.pending)
        urgent = Int(figures[1] + delta.urgent)
        delayed = Int(figures[2] + delta.delayed)
        claimed = Int(figures[3] + delta.claimed)
        buried = Int(figures[4] + delta.buried)
    }
}

extension Action {
    /// What becomes of it where the server has nothing to say about it.
    fileprivate var outcomeWithoutRows: Outcome {
        switch self {
        case .claim: .claimed([])
        case .kick: .kicked(0)
        case .refer: .referred
        case .giveBack, .giveBackAll: .givenBack(0)
        case .takeUp: .tookUp([])
        case .listTubes: .tubes([])
        default: .notFound
        }
    }
}
