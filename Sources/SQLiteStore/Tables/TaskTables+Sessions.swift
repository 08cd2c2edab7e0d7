import TaskStore

/// Which connections of this manager have taken up which named sessions.
struct NamedSessions {
    /// Numbers of named sessions, by the connection that has taken one up here.
    private var taken: [SessionID: Int64] = [:]

    /// What ``taken`` was before each change of the batch, first to last.
    private var before: [(connection: SessionID, session: Int64?)] = []

    /// Connections that were found in this batch to have their session still; nobody else can take it up meanwhile.
    private var confirmed: Set<SessionID> = []

    /// Whether no connection has any, which spares all others a look.
    var isEmpty: Bool { taken.isEmpty }

    /// All connections that have taken one up, with its number.
    var all: [SessionID: Int64] { taken }

    subscript(connection: SessionID) -> Int64? { taken[connection] }

    func isConfirmed(_ connection: SessionID) -> Bool { confirmed.contains(connection) }

    mutating func confirm(_ connection: SessionID) { confirmed.insert(connection) }

    /// Sets or forgets a connection's session.
    mutating func set(_ session: Int64?, for connection: SessionID) {
        before.append((connection, taken[connection]))
        taken[connection] = session
        // Another connection of this manager may just have lost it.
        confirmed.removeAll()
    }

    /// Ends the batch.
    ///
    /// - Parameter isCommitted: whether its changes hold.
    mutating func endBatch(isCommitted: Bool) {
        if !before.isEmpty {
            if !isCommitted { for change in before.reversed() { taken[change.connection] = change.session } }
            before.removeAll()
        }
        if !confirmed.isEmpty { confirmed.removeAll(keepingCapacity: true) }
    }
}

extension TaskTables {
    /// Under which number a connection's claims stand in the table.
    ///
    /// - Returns: nothing where somebody else has taken up the connection's named session.
    func holder(for connection: SessionID) throws(SQLiteError) -> SessionID? {
        guard let session = named[connection] else { return connection }
        if !named.isConfirmed(connection) {
            let statement = statements.sessionConnection
            statement.bind(session)
            let owner = try statement.step() ? statement.int(0) : 0
            statement.reset()
            guard owner == connection.rawValue else { return nil }
            named.confirm(connection)
        }
        // Whatever follows may move the end of the first claim.
        nextEvents.nextNamedEnd = nil
        return SessionID(rawValue: session)
    }

    /// Takes up a named session for a connection.
    func takeUp(_ name: SessionName, for connection: SessionID) throws(SQLiteError) -> Outcome {
        let session: Int64
        let find = statements.sessionByName
        find.bind(name.text, at: 1)
        if try find.step() {
            session = find.int(0)
            let former = find.optionalInt(1).map(SessionID.init(rawValue:))
            find.reset()
            // It may be waiting for tasks, and is to be told.
            if let former, former.manager != manager { displacesElsewhere = true }
            statements.takeSession.bind(session, connection.rawValue, now)
            try statements.takeSession.run()
        } else {
            session = try makeSession(name, for: connection)
        }
        if let former = named[connection], former != session { try leave(former, connection) }
        statements.renameHolder.bind(connection.rawValue, session)
        try statements.renameHolder.run()
        named.set(session, for: connection)
        nextEvents.nextNamedEnd = nil
        durability = .everything
        return .tookUp(try claims(of: session))
    }

    /// How many numbers are tried for a new session, once all were given.
    ///
    /// Even with a million sessions, one is enough in nearly all cases.
    private static let mostTries = 100

    /// Adds a named session.
    ///
    /// After 2³²−1 sessions the next number would be that of a connection. From then on numbers are taken at random, and
    /// those that a session or a claim has are passed over. A number may come again: a connection that had it before finds
    /// another connection in the session's row, as if the session had been taken from it.
    ///
    /// - Returns: its number.
    private func makeSession(_ name: SessionName, for connection: SessionID) throws(SQLiteError) -> Int64 {
        let insert = statements.insertSession
        insert.bind(name.text, at: 1)
        insert.bind(connection.rawValue, at: 2)
        insert.bind(now, at: 3)
        insert.bind(SessionID.largestNamed, at: 4)
        for _ in 0..<Self.mostTries {
            insert.bind(Int64.random(in: 1...SessionID.largestNamed), at: 5)
            if try insert.run() == 1 { return database.lastInsertedRow }
        }
        throw SQLiteError(noNumberFor: "a named session")
    }

    private func claims(of session: Int64) throws(SQLiteError) -> [HeldClaim] {
        var claims: [HeldClaim] = []
        let statement = statements.claimsOfHolder
        statement.bind(session)
        while try statement.step() {
            claims.append(
                HeldClaim(
                    id: TaskID(rawValue: statement.int(0)),
                    tube: try tube(statement.int(1)).name,
                    timeToRun: UInt32(clamping: statement.int(2)),
                    timeLeft: max(0, statement.int(3) - claimNow)
                )
            )
        }
        return claims
    }

    /// Gives back claims of what a connection has, and ends the connection with the last of them.
    ///
    /// - Returns: how many claims; ``Batch/mostRows`` if there may be more.
    func giveBackAll(_ connection: SessionID) throws(SQLiteError) -> Int {
        var given = 0
        if let holder = try holder(for: connection) { given = try giveBack(holder.rawValue...holder.rawValue) }
        if given < Batch.mostRows { _ = try leaveNamedSession(connection) }
        return given
    }

    /// Ends a connection that has a named session: the session's claims stay.
    ///
    /// - Returns: whether the connection had one.
    func leaveNamedSession(_ connection: SessionID) throws(SQLiteError) -> Bool {
        guard let session = named[connection] else { return false }
        try leave(session, connection)
        named.set(nil, for: connection)
        return true
    }

    private func leave(_ session: Int64, _ connection: SessionID) throws(SQLiteError) {
        statements.leaveSession.bind(session, connection.rawValue)
        try statements.leaveSession.run()
        statements.deleteIdleSession.bind(session)
        try statements.deleteIdleSession.run()
    }

    /// Ends the connections of a manager that is gone: nobody has its named sessions now.
    func leaveNamedSessions(of manager: ManagerID) throws(SQLiteError) {
        let connections = SessionID.all(of: manager)
        statements.leaveSessions.bind(connections.lowerBound, connections.upperBound)
        try statements.leaveSessions.run()
    }

    /// Removes the named sessions that nobody has and that hold nothing.
    func removeIdleSessions() throws(SQLiteError) {
        try statements.deleteIdleSessions.run()
    }

    /// When the first claim of a named session is to be ended by whoever comes first.
    func nextNamedEnd() throws(SQLiteError) -> Int64? {
        if case .some(let known) = nextEvents.nextNamedEnd { return known }
        let statement = statements.nextNamedEnd
        let next = try statement.step() ? statement.optionalInt(0) : nil
        statement.reset()
        let end = next.map { $0 + QueueRules.graceOfNamedClaims }
        nextEvents.nextNamedEnd = .some(end)
        return end
    }

    /// Ends claims of named sessions whose time to run is over, whether or not anybody has the session.
    func endNamedClaims() throws(SQLiteError) {
        let statement = statements.endNamedClaims
        statement.bind(claimNow - QueueRules.graceOfNamedClaims, Int64(QueueRules.mostDueAtOnce))
        while try statement.step() {
            let tube = try tube(statement.int(0))
            let priority = statement.int(1)
            count(tube, from: (.claimed, priority), to: (.pending, priority))
            tube.front.forget()
        }
        nextEvents.nextNamedEnd = nil
    }

    /// Starts the claims of all named sessions again, after claim time has been started again.
    ///
    /// They outlive a restart of the machine, and how long it was switched off is not known for sure. So none ends too early.
    func restartNamedClaims() throws(SQLiteError) {
        statements.restartNamedClaims.bind(claimNow)
        try statements.restartNamedClaims.run()
        nextEvents.nextNamedEnd = nil
    }
}
