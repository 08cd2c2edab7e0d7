import TaskStore

/// What this manager's connections use, watch and hold, as far as the store has to know it.
struct Members {
    /// How many connections use and watch each tube.
    private(set) var users: [TubeName: (using: Int, watching: Int)] = [:]

    /// The named sessions that connections have taken up, and have still or were displaced from; the number is 0 within
    /// the batch that takes one up.
    private(set) var named: [UInt32: Int64] = [:]

    /// Which connection holds which task, to tell tasks that others may want to change too.
    private(set) var held: [Int64: UInt32] = [:]

    /// Whether nobody else can remove the tube.
    func protects(_ tube: TubeName) -> Bool {
        if tube == .default { return true }
        guard let users = users[tube] else { return false }
        return users.using + users.watching > 0
    }

    mutating func refer(_ tube: TubeName, using: Int, watching: Int) {
        let known = users[tube] ?? (0, 0)
        let next = (using: max(0, known.using + using), watching: max(0, known.watching + watching))
        users[tube] = next == (0, 0) ? nil : next
    }

    mutating func take(_ session: Int64, _ connection: UInt32) {
        named[connection] = session
    }

    mutating func hold(_ task: TaskID, _ connection: UInt32) {
        held[task.rawValue] = connection
    }

    mutating func letGo(_ task: TaskID) {
        held[task.rawValue] = nil
    }

    /// The connection has ended.
    mutating func end(_ connection: UInt32) {
        named[connection] = nil
        if held.values.contains(connection) { held = held.filter { $0.value != connection } }
    }

    /// All claims are others' now.
    mutating func letGoOfAll() {
        held.removeAll()
    }
}
