public import TaskStore

/// The rules of a store in their simplest form: arrays that are searched from front to back.
///
/// Real stores are compared with it, operation by operation.
public final class MemoryQueue: StoreHarness {
    struct Item {
        var tube: TubeName
        var state = TaskState.pending
        var priority: UInt32
        var delay: UInt32
        var timeToRun: UInt32
        var body: [UInt8]
        var created: Int64
        var due: Int64 = 0
        var holder: ClaimHolder?
        var buriedAt = 0
        var reserves = 0
        var timeouts = 0
        var releases = 0
        var buries = 0
        var kicks = 0
    }

    struct Line {
        var name: TubeName
        var totalTasks = 0
        var deletes = 0
        var pauses = 0
        var pause: UInt32 = 0
        var pausedUntil: Int64?
        var users: [ManagerID: Int] = [:]
        var watchers: [ManagerID: Int] = [:]
    }

    var items: [TaskID: Item] = [:]
    var lines: [Line] = [Line(name: .default)]
    var lastID: Int64 = 0
    var lastManager: Int64 = 0
    var buriedCount = 0
    var version = 0
    var members: [MemoryStore] = []
    var extensions = MemoryExtensions()

    /// Makes an empty queue.
    public init() {}

    /// See ``StoreHarness/open(_:at:)``.
    public func open(_ name: String, at now: Timestamp) throws -> any Store {
        for dead in members where dead.isDead { _ = removeManager(dead) }
        lastManager += 1
        let store = MemoryStore(self, ManagerID(rawValue: lastManager), name)
        members.append(store)
        return store
    }

    /// See ``StoreHarness/kill(_:)``.
    public func kill(_ store: any Store) throws {
        (store as? MemoryStore)?.isDead = true
    }

    /// See ``StoreHarness/audit()``: there is nothing to check.
    public func audit() throws {}

    /// Removes a manager that ended, and makes its claimed tasks pending.
    ///
    /// - Returns: the number of its claims.
    func removeManager(_ dead: MemoryStore) -> Int {
        members.removeAll { $0 === dead }
        detachConnections(of: dead.manager)
        var claims = 0
        for (id, item) in items where item.holder?.connection?.manager == dead.manager {
            makePending(id)
            claims += 1
        }
        for name in lines.map(\.name) {
            update(name) {
                $0.users[dead.manager] = nil
                $0.watchers[dead.manager] = nil
            }
            removeIfUnused(name)
        }
        version += 1
        wakeAll(but: dead)
        return claims
    }

    /// Wakes all managers except one; waking without cause is allowed.
    func wakeAll(but one: MemoryStore) {
        for member in members where member !== one { member.handler?() }
    }

    func makePending(_ id: TaskID) {
        items[id]?.state = .pending
        items[id]?.due = 0
        items[id]?.holder = nil
        items[id]?.buriedAt = 0
    }

    func ids(_ tube: TubeName, _ state: TaskState) -> [TaskID] {
        let some = items.filter { $0.value.tube == tube && $0.value.state == state }
        func rank(_ id: TaskID) -> (Int64, TaskID) {
            guard let item = some[id] else { return (0, id) }
            return switch state {
            case .pending: (Int64(item.priority), id)
            case .delayed, .claimed: (item.due, id)
            case .buried: (Int64(item.buriedAt), id)
            }
        }
        return some.keys.sorted { rank($0) < rank($1) }
    }

    func line(_ name: TubeName) -> Line? {
        lines.first { $0.name == name }
    }

    func update(_ name: TubeName, _ change: (inout Line) -> Void) {
        guard let index = lines.firstIndex(where: { $0.name == name }) else { return }
        change(&lines[index])
    }

    func make(_ name: TubeName) {
        if line(name) == nil { lines.append(Line(name: name)) }
    }

    func removeIfUnused(_ name: TubeName) {
        guard name != .default, let index = lines.firstIndex(where: { $0.name == name }),
            lines[index].users.values.reduce(0, +) + lines[index].watchers.values.reduce(0, +) == 0,
            !items.values.contains(where: { $0.tube == name })
        else { return }
        lines.swapAt(index, lines.count - 1)
        lines.removeLast()
    }

    func counts(_ chosen: (TubeName) -> Bool) -> TaskCounts {
        var counts = TaskCounts()
        for item in items.values where chosen(item.tube) {
            switch item.state {
            case .pending:
                counts.pending += 1
                if item.priority < QueueRules.urgentBelow { counts.urgent += 1 }
            case .claimed: counts.claimed += 1
            case .delayed: counts.delayed += 1
            case .buried: counts.buried += 1
            }
        }
        return counts
    }
}
