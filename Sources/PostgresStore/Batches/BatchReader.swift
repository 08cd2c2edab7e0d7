import TaskStore

/// Turns the rows of `run_batch_2` and `run_fast_path_2` into outcomes, and counts what has changed.
struct BatchReader {
    private let operations: [Operation]
    private let plan: BatchPlan

    /// One per operation.
    private(set) var outcomes: [Outcome]

    /// What has changed in the tubes.
    private(set) var changes = TubeCountChanges()

    /// What this manager's connections use and hold after the batch.
    private(set) var references: LocalReferences

    /// The time on the server.
    private(set) var now: Int64 = 0

    /// When the next delay or pause, or claim of a named session, ends, on the server's clock.
    private(set) var nextEvent: Int64?

    /// Whether the passing of time has changed something, or claims of holders that are gone were returned.
    private(set) var timePassed = false

    /// The transaction's id; nil if it has changed nothing.
    private(set) var transaction: Int64?

    /// Whether nothing was done, so that the batch has to be run in another way.
    private(set) var wasNotDone = false

    /// How many keys were added.
    private(set) var keysAdded: Int64 = 0

    /// Holders that are gone and still have claims to return.
    private(set) var leftovers: [Int64] = []

    /// Whether another program has locked something that an operation names.
    private(set) var hasMetLock = false

    /// Tubes of claims that found fewer tasks than they want, and wait.
    private(set) var unsatisfied: [TubeName] = []

    /// Whether the batch did something that must last.
    private(set) var needsDurability = false

    /// The sessions that were attached, by operation.
    private var attached: [Int: NamedSessionID] = [:]

    /// Rows of operations that ran together.
    private var grouped: GroupedRows

    private var due = DueWork()

    init(_ rows: ResultRows, _ operations: [Operation], _ plan: BatchPlan, _ references: LocalReferences) {
        self.operations = operations
        self.plan = plan
        self.references = references
        grouped = GroupedRows(plan)
        outcomes = operations.map { $0.action.outcomeWithoutRows }
        read(rows)
        settle()
    }

    private mutating func read(_ rows: ResultRows) {
        var current = 0
        for number in 0..<rows.count {
            let row = BatchRow(rows: rows, row: number)
            let operation = row.operation
            // Claims are complete once the rows of another operation begin.
            if operation != current { handOut(from: current - 1) }
            current = operation
            guard let event = row.event else { continue }
            switch event {
            case .done where operation > 0: readDone(row, operation - 1)
            case .keyExists: outcomes[operation - 1] = .exists(TaskID(rawValue: row.id))
            case .deferred: refuse(.deferred, operation - 1)
            case .superseded: refuse(.superseded, operation - 1)
            case .locked:
                hasMetLock = true
                refuse(.locked, operation - 1)
            case .becamePending: readBecamePending(row, operation - 1)
            case .claimsLeft:
                leftovers.append(row.id)
                due.noteClaimsLeft(afterReturning: row.tasks)
            case .tubeRemoved: changes.remove(row.tube)
            case .pauseEnded:
                changes.endPause(row.tube)
                timePassed = true
            case .stillDue: due.isStillDue = true
            case .attached: attached[operation - 1] = NamedSessionID(rawValue: row.id)
            case .notDone: wasNotDone = true
            case .end, .done: readEnd(row)
            }
        }
    }

    private mutating func readEnd(_ row: BatchRow) {
        let numbers = row.numbers
        guard numbers.count == 3 else { return }
        now = numbers[0] ?? 0
        transaction = numbers[2]
        nextEvent = due.nextEvent(numbers[1], at: now)
    }

    /// Gives the outcome to all operations that run together: the server names only the first.
    private mutating func refuse(_ outcome: Outcome, _ index: Int) {
        for other in plan.range(at: index) { outcomes[other] = outcome }
    }

    private mutating func readBecamePending(_ row: BatchRow, _ index: Int) {
        let count = row.tasks
        if let state = TaskState(rawValue: row.stateName) {
            changes.makePending(count, urgent: row.urgent, row.tube, from: state)
            if index < 0 { due.noteMoved(count, from: state) }
        }
        guard index >= 0 else {
            timePassed = true
            return
        }
        switch (operations[index].action, outcomes[index]) {
        case (.expire(let id), _):
            references.removeClaim(id)
            outcomes[index] = .released
        case (.breakClaim(let id), _):
            references.removeClaim(id)
            outcomes[index] = .broken
        case (_, .ended(let known)): outcomes[index] = .ended(known + Int(count))
        case (_, .disconnected(let known)): outcomes[index] = .disconnected(known + Int(count))
        default: outcomes[index] = .kicked(Int(count))
        }
    }

    private mutating func readDone(_ row: BatchRow, _ index: Int) {
        switch operations[index].action {
        case .put(let task):
            if task.key != nil { keysAdded += 1 }
            readPut(row.id, grouped.nextPut(from: index))
        case .claim:
            grouped.addClaim(readClaim(row), holder: row.holder, priority: row.priority)
        case .claimTask(let id):
            references.addClaim(id, operations[index].session.connection)
            outcomes[index] = .claimed([readClaim(row)])
        case .delete:
            let isUrgent = row.priority < QueueRules.urgentBelow
            changes.delete(1, urgent: isUrgent ? 1 : 0, row.tube, from: TaskState(rawValue: row.stateName) ?? .claimed)
            references.removeClaim(TaskID(rawValue: row.id))
            outcomes[grouped.delete(of: row.id, from: index)] = .deleted
        case .release(let id, let priority, let delay):
            references.removeClaim(id)
            changes.endClaim(row.tube, to: delay > 0 ? .delayed : .pending, priority: Int64(priority))
            outcomes[index] = .released
        case .bury(let id, let priority):
            references.removeClaim(id)
            changes.endClaim(row.tube, to: .buried, priority: Int64(priority))
            outcomes[index] = .buried
        case .touch:
            outcomes[index] = .touched
        case .peek, .peekNext:
            outcomes[index] = .found(TaskID(rawValue: row.id), body: row.body)
        case .pause(let tube, let seconds):
            if seconds == 0 { changes.endPause(tube.text) }
            outcomes[index] = .paused
        case .taskStatistics:
            outcomes[index] = TaskStatistics(row).map { .task($0) } ?? .notFound
        case .tubeStatistics(let tube):
            outcomes[index] = .tube(TubeStatistics(tube, row, plus: changes[tube.text]))
        case .storeStatistics:
            outcomes[index] = .store(StoreStatistics(row, plus: changes.total))
        case .listTubes:
            guard case .tubes(let names) = outcomes[index], let name = TubeName(row.tube) else { return }
            outcomes[index] = .tubes(names + [name])
        case .attach:
            readAttachedClaim(row, index)
        case .clear(let tube, let state, _):
            changes.delete(row.tasks, urgent: row.urgent, tube.text, from: state)
            outcomes[index] = .cleared(Int(row.tasks))
        case .endSession:
            outcomes[index] = .ended(0)
        case .moveTask(_, let tube):
            let isUrgent = row.priority < QueueRules.urgentBelow
            changes.move(1, urgent: isUrgent ? 1 : 0, from: row.tube, to: tube.text, row.stateName)
            outcomes[index] = .moved(1)
        case .moveTasks(let source, let target, let state, _):
            changes.move(row.tasks, urgent: row.urgent, from: source.text, to: target.text, state.rawValue)
            outcomes[index] = .moved(Int(row.tasks))
        case .editTask(_, let edit):
            let state = edit.delay.map { $0 > 0 ? TaskState.delayed : .pending }
            let priority = edit.priority.map(Int64.init)
            changes.edit(row.tube, from: (row.stateName, row.priority), to: state, priority: priority)
            outcomes[index] = .edited
        case .setDraining:
            outcomes[index] = .drainingSet
        case .kick, .kickTask, .countUse, .expire, .disconnect, .breakClaim, .inspect:
            break
        }
    }

    private mutating func readPut(_ id: Int64, _ index: Int) {
        guard case .put(let task) = operations[index].action else { return }
        changes.put(task.tube.text, priority: Int64(task.priority), isDelayed: task.delay > 0)
        outcomes[index] = .inserted(TaskID(rawValue: id))
    }

    private mutating func readClaim(_ row: BatchRow) -> ClaimedTask {
        let tube = row.tube
        changes.claim(tube, priority: row.priority, from: TaskState(rawValue: row.stateName) ?? .pending)
        return ClaimedTask(
            id: TaskID(rawValue: row.id),
            tube: TubeName(tube) ?? .default,
            timeToRun: UInt32(clamping: row.timeToRun),
            body: row.body
        )
    }

    private mutating func readAttachedClaim(_ row: BatchRow, _ index: Int) {
        let id = TaskID(rawValue: row.id)
        references.addClaim(id, operations[index].session.connection)
        guard case .attached(let claims, _) = outcomes[index] else { return }
        let claim = HeldClaim(
            id: id,
            tube: TubeName(row.tube) ?? .default,
            timeToRun: UInt32(clamping: row.timeToRun),
            timeLeft: (row.numbers.first ?? 0) ?? 0
        )
        outcomes[index] = .attached(claims + [claim])
    }

    /// Gives the tasks to the claims that got them, once all their rows were read.
    private mutating func handOut(from first: Int) {
        for (index, tasks) in grouped.takeClaims(from: first) {
            outcomes[index] = .claimed(tasks)
            for task in tasks { references.addClaim(task.id, operations[index].session.connection) }
        }
    }

    /// Does what follows from the outcomes.
    private mutating func settle() {
        for (index, outcome) in outcomes.enumerated() {
            let connection = operations[index].session.connection
            if outcome.mustBeDurable { needsDurability = true }
            switch outcome {
            case .attached: references.attach(connection, to: attached[index] ?? NamedSessionID(rawValue: 0))
            case .disconnected: references.disconnect(connection)
            case .claimed(let tasks):
                if case .claim(let tubes, let count, waits: true) = operations[index].action, tasks.count < count {
                    unsatisfied.append(contentsOf: tubes)
                }
            case .useCounted:
                if case .countUse(let tube, let using, let watching) = operations[index].action {
                    references.count(tube, using: using, watching: watching)
                }
            default: break
            }
        }
    }
}

extension BatchReader {
    /// Returns the same without claims: this manager is considered dead, and the other managers have returned them.
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
            case .attached, .touched: reader.outcomes[index] = .notFound
            default: break
            }
        }
        reader.references.removeAllClaims()
        return reader
    }
}
