import TaskStore

/// What is found out about a batch while its operations are planned.
struct BatchAnalysis {
    /// What this manager's connections use and hold, after the operations so far.
    private(set) var references: LocalReferences

    /// Whether an operation may add a tube, or remove one at once.
    private(set) var makesTubes = false
    private(set) var deletes = false
    private(set) var readsTubes = false

    /// The tasks that operations name and change.
    private(set) var namedTasks: Set<Int64> = []

    /// Whether one of them is not held by this manager, so that others may lock it too.
    private(set) var namesForeignTasks = false

    /// The waiting claims that other operations of their sessions follow, by index.
    private(set) var claimsThatMayHoldBack: [Int] = []

    /// The last waiting claim of each connection, by index.
    private var waitingClaims: [UInt32: Int] = [:]

    /// Connections with an operation that may meet a lock: their later operations may have to wait.
    private var mayMeetLock: Set<UInt32> = []
    private let expectsTasks: Bool
    private let isCareful: Bool

    init(references: LocalReferences, expectsTasks: Bool, isCareful: Bool) {
        self.references = references
        self.expectsTasks = expectsTasks
        self.isCareful = isCareful
    }

    /// Plans the next operation.
    ///
    /// - Parameters:
    ///   - operation: the operation.
    ///   - number: its number in the batch, from 1.
    ///   - session: its session under the manager's current number.
    /// - Returns: the operation as the server takes it.
    mutating func add(_ operation: Operation, number: Int, session: Int64) -> PlannedOperation {
        let (action, connection) = (operation.action, operation.session.connection)
        let mayBeDeferred = mayBeDeferred(action, connection)
        let isNamed = action.concernsClaims && references.hasNamedSession(connection)
        var planned = PlannedOperation(PlannedOperation.Kind(action), number: number, session: session)
        describe(action, connection, &planned)
        planned.isNamed = isNamed
        planned.mayBeDeferred = mayBeDeferred
        if let access = operation.access, planned.kind != .claim { planned.restrict(to: access) }
        if case .claim(_, _, waits: true) = action { waitingClaims[connection] = number - 1 }
        return planned
    }

    private mutating func mayBeDeferred(_ action: Action, _ connection: UInt32) -> Bool {
        var mayBeDeferred = false
        if !expectsTasks, let claim = waitingClaims[connection] {
            claimsThatMayHoldBack.append(claim)
            mayBeDeferred = true
        }
        if isCareful {
            if mayMeetLock.contains(connection), action.canBeDeferred { mayBeDeferred = true }
            if action.mayMeetLock { mayMeetLock.insert(connection) }
        }
        return mayBeDeferred
    }

    /// Fills in what the operation's kind needs.
    private mutating func describe(_ action: Action, _ connection: UInt32, _ planned: inout PlannedOperation) {
        planned.id = action.task?.rawValue
        switch action {
        case .put(let task):
            describe(task, &planned)
        case .claim(let tubes, let count, let waits):
            planned.tubes = tubes.map(\.text)
            planned.bound = Int64(count)
            planned.waits = waits
        case .claimTask(let id), .touch(let id), .kickTask(let id), .expire(let id):
            name(id)
        case .delete(let id):
            name(id)
            deletes = true
            // Only the manager itself knows when claims of sessions without a name end.
            planned.mayMoveEvents = !references.holds(id, connection) || references.hasNamedSession(connection)
        case .release(let id, let priority, let delay):
            name(id)
            (planned.priority, planned.delay) = (Int64(priority), Int64(delay))
        case .bury(let id, let priority):
            name(id)
            planned.priority = Int64(priority)
        case .kick(let tube, let bound, let state):
            (planned.tube, planned.state, planned.bound) = (tube.text, state?.rawValue, Int64(max(0, bound)))
        case .clear(let tube, let state, let limit):
            (planned.tube, planned.state, planned.bound) = (tube.text, state.rawValue, Int64(max(0, limit)))
            (makesTubes, readsTubes) = (true, true)
        case .peekNext(let tube, let state):
            (planned.tube, planned.state) = (tube.text, state.rawValue)
        case .pause(let tube, let seconds):
            (planned.tube, planned.delay) = (tube.text, Int64(seconds))
            readsTubes = true
        case .tubeStatistics(let tube):
            planned.tube = tube.text
            readsTubes = true
        case .storeStatistics, .listTubes:
            readsTubes = true
        case .countUse(let tube, let using, let watching):
            (planned.tube, planned.users, planned.watchers) = (tube.text, Int64(using), Int64(watching))
            planned.makesTube = !references.protects(tube)
            references.count(tube, using: using, watching: watching)
            if planned.makesTube || !references.protects(tube) { makesTubes = true }
        case .disconnect:
            references.disconnect(connection)
        case .attach(let name, _):
            planned.name = name.key
            references.attach(connection, to: NamedSessionID(rawValue: 0))
        case .breakClaim(let id):
            name(id)
        case .endSession(let number):
            planned.id = number
        case .moveTask(let id, let tube):
            name(id)
            planned.tube = tube.text
            makesTubes = true
        case .moveTasks(let source, let target, let state, let limit):
            (planned.tube, planned.name, planned.state) = (source.text, target.text, state.rawValue)
            planned.bound = Int64(max(0, limit))
            (makesTubes, readsTubes) = (true, true)
        case .editTask(let id, let edit):
            name(id)
            planned.priority = edit.priority.map(Int64.init)
            planned.delay = edit.delay.map(Int64.init)
            planned.timeToRun = edit.timeToRun.map(Int64.init)
        case .setDraining(let manager, let isDraining):
            (planned.name, planned.bound) = (manager, isDraining ? 1 : 0)
        case .peek, .taskStatistics, .inspect:
            break
        }
    }

    private mutating func describe(_ task: NewTask, _ planned: inout PlannedOperation) {
        planned.tube = task.tube.text
        planned.priority = Int64(task.priority)
        planned.delay = Int64(task.delay)
        planned.timeToRun = Int64(task.timeToRun)
        planned.body = task.body
        planned.name = task.key?.text
        planned.mayMoveEvents = task.delay > 0
        planned.makesTube = !references.protects(task.tube)
        if planned.makesTube { makesTubes = true }
    }

    private mutating func name(_ task: TaskID) {
        namedTasks.insert(task.rawValue)
        if !references.isHeld(task) { namesForeignTasks = true }
    }
}

extension PlannedOperation.Kind {
    fileprivate init(_ action: Action) {
        switch action {
        case .put(let task): self = task.key == nil ? .put : .putUnique
        case .claim: self = .claim
        case .claimTask: self = .claimTask
        case .delete: self = .delete
        case .release: self = .release
        case .bury: self = .bury
        case .touch: self = .touch
        case .kick: self = .kick
        case .kickTask: self = .kickTask
        case .peek: self = .peek
        case .peekNext: self = .peekNext
        case .pause: self = .pause
        case .taskStatistics: self = .taskStatistics
        case .tubeStatistics: self = .tubeStatistics
        case .storeStatistics: self = .storeStatistics
        case .listTubes: self = .listTubes
        case .countUse: self = .countUsers
        case .expire: self = .expire
        case .disconnect(releasing: .ownClaims): self = .disconnect
        case .disconnect(releasing: .allClaims): self = .disconnectAndRelease
        case .attach: self = .attach
        case .clear: self = .clear
        case .breakClaim: self = .breakClaim
        case .endSession: self = .endSession
        case .moveTask: self = .moveTask
        case .moveTasks: self = .moveTasks
        case .editTask: self = .editTask
        case .setDraining: self = .setDraining
        // Inspections are in batches of their own, and are sent as other statements.
        case .inspect: self = .peek
        }
    }
}

extension Action {
    /// Whether it may be left for a later batch, which the manager does not expect of the other actions.
    fileprivate var canBeDeferred: Bool {
        switch self {
        case .countUse, .expire, .disconnect, .attach, .clear, .endSession, .moveTasks, .setDraining: false
        default: true
        }
    }
}
