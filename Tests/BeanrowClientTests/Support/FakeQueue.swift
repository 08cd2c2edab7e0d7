import BeanstalkWire
import Synchronization
import TaskStore

/// A simple queue in memory, which any number of fake managers can share.
final class FakeQueue: Sendable {
    struct Task: Equatable {
        var id: TaskID
        var tube: TubeName
        var priority: UInt32
        var body: [UInt8]
        var delay: UInt32 = 0
        var reserves = 0
        var holder: Holder?
        var isBuried = false
    }

    /// The connection or session that has claimed a task.
    enum Holder: Equatable {
        case connection(Int)
        case session(SessionName)
    }

    fileprivate struct State {
        var sessions: [Int: SessionName] = [:]
        var connections: [SessionName: Int] = [:]
        var keys: [UniqueKey: TaskID] = [:]
        var tasks: [Task] = []
        var nextID: Int64 = 1
        var using: [Int: TubeName] = [:]
        var watching: [Int: Set<TubeName>] = [:]
        var mostHeld = 0
    }

    private let state = Mutex(State())

    /// All tasks, in the order of their ids.
    var tasks: [Task] { state.withLock { $0.tasks } }

    /// The bodies of all tasks.
    var bodies: [String] { tasks.map { String(decoding: $0.body, as: UTF8.self) } }

    /// The largest number of tasks that were claimed at the same time.
    var mostHeld: Int { state.withLock { $0.mostHeld } }

    func put(_ body: String, in tube: TubeName = .default, priority: UInt32 = 1) {
        state.withLock { _ = $0.put(Array(body.utf8), tube, priority) }
    }

    /// Answers a command of a connection, except a reserve that would have to wait.
    ///
    /// - Parameters:
    ///   - connection: the number of the connection, unique in this queue.
    ///   - command: the command.
    /// - Returns: the reaction.
    func react(_ connection: Int, _ command: Command) -> FakeManager.Reaction {
        state.withLock { $0.reply(connection, command).map { .answer($0) } ?? .silence }
    }

    /// Releases the tasks of a connection or its session, as if their time to run were over.
    func releaseClaims(_ connection: Int) {
        state.withLock { $0.releaseClaims(of: $0.holder(connection)) }
    }

    /// Ends a connection, and releases its tasks unless they belong to a session.
    func lose(_ connection: Int) {
        state.withLock { state in
            state.releaseClaims(of: .connection(connection))
            if let name = state.sessions.removeValue(forKey: connection), state.connections[name] == connection {
                state.connections[name] = nil
            }
        }
    }

    /// Handles `quit`: releases the tasks of the session too, unless another connection has attached it.
    func quit(_ connection: Int) {
        state.withLock { state in
            if !state.isSuperseded(connection) { state.releaseClaims(of: state.holder(connection)) }
        }
    }
}

extension FakeQueue.State {
    fileprivate func holder(_ connection: Int) -> FakeQueue.Holder {
        sessions[connection].map { .session($0) } ?? .connection(connection)
    }

    fileprivate func isSuperseded(_ connection: Int) -> Bool {
        sessions[connection].map { connections[$0] != connection } ?? false
    }

    fileprivate mutating func releaseClaims(of holder: FakeQueue.Holder) {
        for index in tasks.indices where tasks[index].holder == holder {
            tasks[index].holder = nil
        }
    }

    private mutating func attach(_ name: SessionName, _ connection: Int) -> Reply {
        for index in tasks.indices where tasks[index].holder == .connection(connection) {
            tasks[index].holder = .session(name)
        }
        sessions[connection] = name
        connections[name] = connection
        return .session(claims: tasks.count { $0.holder == .session(name) })
    }

    fileprivate mutating func put(_ body: [UInt8], _ tube: TubeName, _ priority: UInt32) -> TaskID {
        let id = TaskID(rawValue: nextID)
        nextID += 1
        tasks.append(FakeQueue.Task(id: id, tube: tube, priority: priority, body: body))
        return id
    }

    fileprivate mutating func reply(_ connection: Int, _ command: Command) -> Reply? {
        if case .session(let name) = command { return attach(name, connection) }
        let isOnClaims: [Verb] = [.reserve, .reserveWithTimeout, .delete, .release, .bury, .touch]
        if isOnClaims.contains(command.verb), isSuperseded(connection) { return .sessionTaken }
        switch command {
        case .put(let priority, _, _, let body, let key):
            if let key, let id = keys[key] { return .exists(id) }
            let id = put(body, using[connection] ?? .default, priority)
            if let key { keys[key] = id }
            return .inserted(id)
        case .clearTube:
            return .notFound
        case .use(let tube):
            using[connection] = tube
            return .using(tube)
        case .watch(let tube):
            watching[connection, default: [.default]].insert(tube)
            return .watching(watching[connection]?.count ?? 0)
        case .ignore(let tube):
            watching[connection, default: [.default]].remove(tube)
            return .watching(watching[connection]?.count ?? 0)
        case .reserveWithTimeout(let seconds):
            return reserve(connection) ?? (seconds == 0 ? .timedOut : nil)
        case .reserve:
            return reserve(connection)
        case .store(_, let action):
            return reply(connection, action)
        default:
            return .internalError
        }
    }

    private mutating func reply(_ connection: Int, _ action: Action) -> Reply {
        switch action {
        case .storeStatistics:
            return .ok(Array("---\nmax-job-size: 65535\n".utf8))
        case .taskStatistics(let id):
            guard let task = tasks.first(where: { $0.id == id }) else { return .notFound }
            let text = "---\ntube: \"\(task.tube)\"\npri: \(task.priority)\nttr: 60\nreserves: \(task.reserves)\n"
            return .ok(Array(text.utf8))
        case .delete(let id), .release(let id, _, _), .bury(let id, _), .touch(let id):
            guard let index = tasks.firstIndex(where: { $0.id == id && $0.holder == holder(connection) }) else {
                return .notFound
            }
            return finish(index, action)
        default:
            return .internalError
        }
    }

    private mutating func reserve(_ connection: Int) -> Reply? {
        let tubes = watching[connection] ?? [.default]
        let index = tasks.firstIndex {
            $0.holder == nil && $0.delay == 0 && !$0.isBuried && tubes.contains($0.tube)
        }
        guard let index else { return nil }
        tasks[index].holder = holder(connection)
        tasks[index].reserves += 1
        mostHeld = max(mostHeld, tasks.count { $0.holder != nil })
        return .reserved(tasks[index].id, body: tasks[index].body)
    }

    private mutating func finish(_ index: Int, _ action: Action) -> Reply {
        switch action {
        case .touch:
            return .touched
        case .release(_, let priority, let delay):
            tasks[index].holder = nil
            tasks[index].priority = priority
            tasks[index].delay = delay
            return .released
        case .bury(_, let priority):
            tasks[index].holder = nil
            tasks[index].priority = priority
            tasks[index].isBuried = true
            return .buried
        default:
            tasks.remove(at: index)
            return .deleted
        }
    }
}
