import TaskStore

/// What this manager's connections use, watch and hold, as far as the store has to know it.
struct LocalReferences {
    /// How many connections use and watch each tube.
    private(set) var users: [TubeName: (using: Int, watching: Int)] = [:]

    /// The named sessions to which connections are attached, or were until another connection attached to them.
    ///
    /// The number is 0 within the batch that attaches a connection.
    private(set) var namedSessions: [UInt32: NamedSessionID] = [:]

    /// Which connection holds which task.
    private var holders: [Int64: UInt32] = [:]

    /// Returns whether no other manager can remove the tube.
    func protects(_ tube: TubeName) -> Bool {
        if tube == .default { return true }
        guard let users = users[tube] else { return false }
        return users.using + users.watching > 0
    }

    /// Adds to the numbers of connections that use and watch a tube.
    mutating func count(_ tube: TubeName, using: Int, watching: Int) {
        let known = users[tube] ?? (0, 0)
        let next = (using: max(0, known.using + using), watching: max(0, known.watching + watching))
        users[tube] = next == (0, 0) ? nil : next
    }

    func hasNamedSession(_ connection: UInt32) -> Bool { namedSessions[connection] != nil }

    mutating func attach(_ connection: UInt32, to session: NamedSessionID) {
        namedSessions[connection] = session
    }

    func isHeld(_ task: TaskID) -> Bool { holders[task.rawValue] != nil }

    func holds(_ task: TaskID, _ connection: UInt32) -> Bool { holders[task.rawValue] == connection }

    mutating func addClaim(_ task: TaskID, _ connection: UInt32) {
        holders[task.rawValue] = connection
    }

    mutating func removeClaim(_ task: TaskID) {
        holders[task.rawValue] = nil
    }

    /// Removes the session and the claims of a connection that has ended.
    mutating func disconnect(_ connection: UInt32) {
        namedSessions[connection] = nil
        if holders.values.contains(connection) { holders = holders.filter { $0.value != connection } }
    }

    /// Removes all claims: other managers have returned them.
    mutating func removeAllClaims() {
        holders.removeAll()
    }
}
