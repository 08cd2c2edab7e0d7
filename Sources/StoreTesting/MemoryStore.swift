import TaskStore

/// One manager of a ``MemoryQueue``.
final class MemoryStore: Store {
    let manager: ManagerID
    let name: String
    let queue: MemoryQueue
    var isDead = false
    var isToldToDrain = false
    var figures = ManagerFigures()
    var handler: (@Sendable () -> Void)?
    /// The named sessions to which this manager's connections are attached.
    var named: [SessionID: NamedSessionID] = [:]

    private var seen = 0
    private var waiting: Set<SessionID> = []

    init(_ queue: MemoryQueue, _ manager: ManagerID, _ name: String) {
        self.queue = queue
        self.manager = manager
        self.name = name
    }

    func makeDurable() {}
    func publish(_ figures: ManagerFigures) { self.figures = figures }
    func unsubscribe(from tube: TubeName) {}

    func observeChanges(_ handler: @escaping @Sendable (StoreChange) -> Void) {
        self.handler = { handler(.pending) }
    }

    func hasChangedElsewhere() -> Bool {
        defer { seen = queue.version }
        return seen != queue.version
    }

    func maintain(at now: Timestamp) -> Maintenance {
        let dead = queue.members.filter(\.isDead)
        var report = Maintenance(
            recovered: dead.map { DeadManager(id: $0.manager, name: $0.name, claims: queue.removeManager($0)) }
        )
        report.isToldToDrain = isToldToDrain
        report.managers = Dictionary(uniqueKeysWithValues: queue.members.map { ($0.manager, $0.name) })
        return report
    }

    func leave() {
        _ = queue.removeManager(self)
    }

    func run(_ batch: Batch) -> BatchResult {
        let now = batch.now.rawValue
        let isCaughtUp = seen == queue.version
        waiting = []
        var needsDurability = false
        var hasReturned = false
        let timePassed = letTimePass(now)
        var outcomes: [Outcome] = []
        for operation in batch.operations {
            if waiting.contains(operation.session) {
                outcomes.append(.deferred)
                continue
            }
            let outcome = perform(operation, now)
            if outcome.mustBeDurable { needsDurability = true }
            if case .disconnected(let count) = outcome, count > 0 { hasReturned = true }
            outcomes.append(outcome)
        }
        if needsDurability || timePassed || hasReturned {
            queue.version += 1
            if isCaughtUp { seen = queue.version }
            queue.wakeAll(but: self)
        }
        let dues = queue.items.values.filter { $0.state == .delayed }.map(\.due)
        let next = (dues + queue.namedEnds.map(\.end) + queue.lines.compactMap(\.pausedUntil)).min()
        return BatchResult(
            outcomes: outcomes,
            needsDurability: needsDurability,
            timePassed: timePassed,
            nextEvent: next.map(Timestamp.init(rawValue:))
        )
    }

    private func letTimePass(_ now: Int64) -> Bool {
        var passed = false
        for line in queue.lines {
            guard let until = line.pausedUntil, until <= now else { continue }
            queue.update(line.name) { ($0.pause, $0.pausedUntil) = (0, nil) }
            passed = true
        }
        for (id, end) in queue.namedEnds where end <= now {
            queue.makePending(id)
            queue.items[id]?.timeouts += 1
            passed = true
        }
        let due = queue.items.filter { $0.value.state == .delayed && $0.value.due <= now }
            .sorted { ($0.value.due, $0.key) < ($1.value.due, $1.key) }
        for (id, _) in due.prefix(QueueRules.mostDueAtOnce) { queue.makePending(id) }
        return passed || !due.isEmpty
    }

    private func perform(_ operation: TaskStore.Operation, _ now: Int64) -> Outcome {
        let (action, connection) = (operation.action, operation.session)
        var holder = ClaimHolder(connection)
        if action.concernsClaims {
            guard let present = self.holder(for: connection) else { return .superseded }
            holder = present
        }
        if let access = operation.access, let id = action.task, let item = queue.items[id] {
            let isHeld = item.holder == self.holder(for: connection) ?? ClaimHolder(connection)
            guard access.finds(taskIn: item.tube, isHeld: isHeld) else { return .notFound }
        }
        switch action {
        case .listTubes:
            return .tubes(queue.lines.map(\.name).filter { operation.access?.shows($0) ?? true })
        case .put(let task): return putUnlessKnown(task, now)
        case .claim(let tubes, let count, let waits):
            let open = tubes.filter { queue.line($0) != nil && queue.line($0)?.pausedUntil == nil }
            let ids = open.flatMap { queue.ids($0, .pending) }
            let order = ids.sorted { (queue.items[$0]?.priority ?? 0, $0) < (queue.items[$1]?.priority ?? 0, $1) }
            if waits, order.count < count { waiting.insert(connection) }
            return .claimed(order.prefix(count).compactMap { claim($0, holder, now) })
        case .claimTask(let id):
            guard let item = queue.items[id], item.state != .claimed else { return .notFound }
            return .claimed([claim(id, holder, now)].compactMap { $0 })
        case .delete(let id):
            guard let item = queue.items[id], item.state != .claimed || item.holder == holder else { return .notFound }
            queue.remove(id, now)
            return .deleted
        case .release(let id, let priority, let delay):
            guard holds(holder, id) else { return .notFound }
            queue.makePending(id)
            queue.items[id]?.priority = priority
            queue.items[id]?.delay = delay
            queue.items[id]?.releases += 1
            if delay > 0 { postpone(id, delay, now) }
            return .released
        case .bury(let id, let priority):
            guard holds(holder, id) else { return .notFound }
            queue.makePending(id)
            queue.buriedCount += 1
            queue.items[id]?.state = .buried
            queue.items[id]?.buriedAt = queue.buriedCount
            queue.items[id]?.priority = priority
            queue.items[id]?.buries += 1
            return .buried
        case .touch(let id):
            guard holds(holder, id), let item = queue.items[id] else { return .notFound }
            queue.items[id]?.due = now + Int64(item.timeToRun) * 1000
            return .touched
        case .expire(let id):
            guard holds(holder, id) else { return .notFound }
            queue.makePending(id)
            queue.items[id]?.timeouts += 1
            return .released
        case .attach(let name, let last): return attach(name, after: last, connection, now)
        case .clear(let tube, let state, let limit): return clear(tube, state, limit: limit, now)
        case .disconnect(releasing: .ownClaims):
            return .disconnected(detach(connection) ? 0 : returnClaims(of: holder))
        case .disconnect(releasing: .allClaims):
            let returned = self.holder(for: connection).map(returnClaims(of:)) ?? 0
            _ = detach(connection)
            return .disconnected(returned)
        case .kick(let tube, let bound, let state):
            let buried = state == .delayed ? [] : queue.ids(tube, .buried)
            let delayed = state == .buried ? [] : queue.ids(tube, .delayed)
            let kicked = (buried.isEmpty ? delayed : buried).prefix(bound)
            for id in kicked { kick(id) }
            return .kicked(kicked.count)
        case .kickTask(let id):
            guard let item = queue.items[id], item.state == .buried || item.state == .delayed else { return .notFound }
            kick(id)
            return .kicked(1)
        case .pause(let tube, let seconds):
            guard queue.line(tube) != nil else { return .notFound }
            queue.update(tube) {
                $0.pauses += 1
                $0.pause = seconds
                $0.pausedUntil = seconds == 0 ? nil : now + Int64(seconds) * 1000
            }
            return .paused
        case .countUse(let tube, let using, let watching):
            queue.make(tube)
            queue.update(tube) {
                $0.users[manager, default: 0] += using
                $0.watchers[manager, default: 0] += watching
            }
            queue.removeIfUnused(tube)
            return .useCounted
        case .breakClaim, .endSession, .moveTask, .moveTasks, .editTask, .setDraining: return operate(action, now)
        case .inspect(let query): return inspect(query, now)
        case .peek, .peekNext, .taskStatistics, .tubeStatistics, .storeStatistics:
            return read(action, now)
        }
    }

    func returnClaims(of holder: ClaimHolder) -> Int {
        let held = queue.items.filter { $0.value.holder == holder }.keys
        for id in held { queue.makePending(id) }
        return held.count
    }

    func put(_ task: NewTask, _ now: Int64) -> Outcome {
        queue.make(task.tube)
        queue.update(task.tube) { $0.totalTasks += 1 }
        queue.lastID += 1
        let id = TaskID(rawValue: queue.lastID)
        queue.items[id] = MemoryQueue.Item(
            tube: task.tube,
            priority: task.priority,
            delay: task.delay,
            timeToRun: task.timeToRun,
            body: task.body,
            created: now
        )
        if task.delay > 0 { postpone(id, task.delay, now) }
        return .inserted(id)
    }

    private func claim(_ id: TaskID, _ holder: ClaimHolder, _ now: Int64) -> ClaimedTask? {
        guard let item = queue.items[id] else { return nil }
        queue.makePending(id)
        queue.items[id]?.state = .claimed
        queue.items[id]?.holder = holder
        queue.items[id]?.due = now + Int64(item.timeToRun) * 1000
        queue.items[id]?.reserves += 1
        return ClaimedTask(id: id, tube: item.tube, timeToRun: item.timeToRun, body: item.body)
    }

    private func holds(_ holder: ClaimHolder, _ id: TaskID) -> Bool {
        queue.items[id]?.holder == holder
    }

    func postpone(_ id: TaskID, _ seconds: UInt32, _ now: Int64) {
        queue.items[id]?.state = .delayed
        queue.items[id]?.due = now + Int64(seconds) * 1000
    }

    private func kick(_ id: TaskID) {
        queue.makePending(id)
        queue.items[id]?.kicks += 1
    }

    func read(_ action: Action, _ now: Int64) -> Outcome {
        switch action {
        case .peek(let id):
            return queue.items[id].map { .found(id, body: $0.body) } ?? .notFound
        case .peekNext(let tube, let state):
            guard state != .claimed, let id = queue.ids(tube, state).first else { return .notFound }
            return .found(id, body: queue.items[id]?.body ?? [])
        case .taskStatistics(let id):
            guard let item = queue.items[id] else { return .notFound }
            return .task(
                TaskStatistics(
                    id: id,
                    tube: item.tube,
                    state: item.state,
                    priority: item.priority,
                    age: now - item.created,
                    delay: item.delay,
                    timeToRun: item.timeToRun,
                    timeLeft: item.due == 0 ? 0 : item.due - now,
                    reserves: item.reserves,
                    timeouts: item.timeouts,
                    releases: item.releases,
                    buries: item.buries,
                    kicks: item.kicks
                )
            )
        case .tubeStatistics(let name):
            guard let line = queue.line(name) else { return .notFound }
            var statistics = TubeStatistics(name: name)
            statistics.counts = queue.counts { $0 == name }
            (statistics.totalTasks, statistics.deletes, statistics.pauses) = (
                line.totalTasks, line.deletes, line.pauses
            )
            statistics.using = line.users.values.reduce(0, +)
            statistics.watching = line.watchers.values.reduce(0, +)
            statistics.pause = line.pause
            // The first task of each priority: if the clock was set back, later tasks may have an earlier time.
            let pending = queue.items.filter { $0.value.tube == name && $0.value.state == .pending }
            let first = Dictionary(grouping: pending) { $0.value.priority }.values
                .compactMap { $0.min { $0.key < $1.key } }
            let created = first.map(\.value.created).min()
            statistics.oldestPendingAge = created.map { now - $0 } ?? 0
            statistics.pauseTimeLeft = line.pausedUntil.map { $0 - now } ?? 0
            return .tube(statistics)
        default:
            let counts = queue.counts { _ in true }
            return .store(StoreStatistics(counts: counts, totalTasks: Int(queue.lastID), tubes: queue.lines.count))
        }
    }
}
