import TaskStore

/// A requirement that a store did not meet.
public struct ConformanceFailure: Error, CustomStringConvertible {
    /// The requirement, what happened, and the line of the suite.
    public let description: String
}

/// A new store, the managers that have opened it, and a clock that the check moves.
final class Scene {
    /// The present time.
    var now = Timestamp(rawValue: 1_700_000_000_000)

    private let harness: any StoreHarness
    private var open: [any Store] = []

    init(_ harness: any StoreHarness) {
        self.harness = harness
    }

    /// Opens the store as one more manager.
    func manager(_ name: String = "one") throws -> Manager {
        let store = try harness.open(name, at: now)
        open.append(store)
        return Manager(scene: self, store: store)
    }

    /// Ends a manager without leaving the store.
    func kill(_ manager: Manager) throws {
        open.removeAll { $0 === manager.store }
        try harness.kill(manager.store)
    }

    /// Lets a manager leave the store.
    func leave(_ manager: Manager) throws {
        open.removeAll { $0 === manager.store }
        try manager.store.leave()
    }

    /// Lets time pass.
    func pass(seconds: Int64) {
        now = Timestamp(rawValue: now.rawValue + seconds * 1000)
    }

    /// Lets the remaining managers leave.
    func close() throws {
        for store in open { try store.leave() }
        open = []
    }
}

/// One manager of a scene.
final class Manager {
    let scene: Scene
    let store: any Store
    private var connections: UInt32 = 0

    init(scene: Scene, store: any Store) {
        self.scene = scene
        self.store = store
    }

    /// Opens a new connection.
    func session() -> Session {
        connections += 1
        return Session(manager: self, id: SessionID(connection: connections, of: store.manager))
    }

    /// Runs operations of any sessions as one batch.
    func run(_ operations: [TaskStore.Operation]) throws -> BatchResult {
        let result = try store.run(Batch(operations, now: scene.now))
        try require(result.outcomes.count, operations.count, "one outcome for each operation")
        if result.needsDurability { try store.makeDurable() }
        return result
    }

    /// Lets the store end all delays and pauses that are over.
    func catchUp() throws {
        while true {
            guard let next = try run([]).nextEvent, next <= scene.now else { return }
        }
    }
}

/// One connection of a manager.
struct Session {
    let manager: Manager
    let id: SessionID

    /// Runs operations of this session as one batch.
    @discardableResult
    func run(_ actions: Action...) throws -> [Outcome] {
        try manager.run(actions.map { Operation(session: id, action: $0) }).outcomes
    }

    /// Returns an operation of this session, for a batch of several operations.
    func wants(_ action: Action) -> TaskStore.Operation {
        Operation(session: id, action: action)
    }

    /// Adds a task.
    @discardableResult
    func put(
        _ tube: TubeName,
        _ body: String = "",
        priority: UInt32 = 2000,
        delay: UInt32 = 0,
        timeToRun: UInt32 = 60
    ) throws -> TaskID {
        let task = NewTask(
            tube: tube,
            priority: priority,
            delay: delay,
            timeToRun: timeToRun,
            body: Array(body.utf8)
        )
        guard case .inserted(let id)? = try run(.put(task)).first else { throw failure("a put inserts") }
        return id
    }

    /// Claims tasks.
    @discardableResult
    func claim(_ tubes: TubeName..., count: Int = 1) throws -> [TaskID] {
        try claimed(tubes, count: count).map(\.id)
    }

    /// Claims tasks and returns all of them.
    func claimed(_ tubes: [TubeName], count: Int = 1) throws -> [ClaimedTask] {
        let outcomes = try run(.claim(tubes: tubes, count: count, waits: false))
        guard case .claimed(let tasks)? = outcomes.first else { throw failure("a claim gives tasks, not \(outcomes)") }
        return tasks
    }

    /// Puts a task and claims it at once.
    func putAndClaim(_ tube: TubeName, priority: UInt32 = 2000, timeToRun: UInt32 = 60) throws -> TaskID {
        let id = try put(tube, priority: priority, timeToRun: timeToRun)
        try require(try run(.claimTask(id)).count, 1, "claimed by number")
        return id
    }

    /// Puts a task and buries it.
    func putAndBury(_ tube: TubeName, priority: UInt32 = 2000) throws -> TaskID {
        let id = try putAndClaim(tube, priority: priority)
        try require(try run(.bury(id, priority: priority)), [.buried], "bury by the holder")
        return id
    }

    /// Reads the statistics of a task; fails if it is gone.
    func statistics(_ id: TaskID) throws -> TaskStatistics {
        guard case .task(let statistics)? = try run(.taskStatistics(id)).first else {
            throw failure("task \(id) exists")
        }
        return statistics
    }

    /// Reads the statistics of a tube; fails if it is gone.
    func statistics(_ tube: TubeName) throws -> TubeStatistics {
        guard case .tube(let statistics)? = try run(.tubeStatistics(tube)).first else {
            throw failure("tube \(tube) exists")
        }
        return statistics
    }

    /// Reads the statistics of the store.
    func storeStatistics() throws -> StoreStatistics {
        guard case .store(let statistics)? = try run(.storeStatistics).first else {
            throw failure("a store's statistics")
        }
        return statistics
    }

    /// Reads the names of all tubes.
    func tubes() throws -> [TubeName] {
        guard case .tubes(let names)? = try run(.listTubes).first else { throw failure("a list of tubes") }
        return names
    }

    /// Returns the state of a task; `nil` if it is gone.
    func state(_ id: TaskID) throws -> TaskState? {
        guard case .task(let statistics)? = try run(.taskStatistics(id)).first else { return nil }
        return statistics.state
    }
}

/// Fails if two values differ; `what` is evaluated only if they do.
func require<Value: Equatable>(
    _ actual: Value,
    _ expected: Value,
    _ what: @autoclosure () -> String,
    file: String = #fileID,
    line: Int = #line
) throws {
    guard actual == expected else {
        throw ConformanceFailure(description: "\(what()): expected \(expected), got \(actual) (\(file):\(line))")
    }
}

/// Fails if a condition is false.
func require(_ condition: Bool, _ what: String, file: String = #fileID, line: Int = #line) throws {
    guard condition else { throw ConformanceFailure(description: "\(what) (\(file):\(line))") }
}

/// Returns a failure to throw.
func failure(_ what: String, file: String = #fileID, line: Int = #line) -> ConformanceFailure {
    ConformanceFailure(description: "\(what) (\(file):\(line))")
}

extension TubeName {
    /// Returns a name of the suite that is known to be valid.
    ///
    /// Any other name becomes `default`, and the check that uses it fails.
    static func named(_ text: String) -> TubeName {
        TubeName(text) ?? .default
    }

    static let mail = named("mail")
    static let film = named("film")
    static let news = named("news")
}

extension TaskCounts {
    /// Makes counts by state.
    init(pending: Int = 0, urgent: Int = 0, claimed: Int = 0, delayed: Int = 0, buried: Int = 0) {
        self.init()
        self.pending = pending
        self.urgent = urgent
        self.claimed = claimed
        self.delayed = delayed
        self.buried = buried
    }
}
