import TaskStore

/// Named sessions: claims that outlive their connection.
extension TaskTables {
    struct SessionStatements {
        let byName: Statement
        let connection: Statement
        let insert: Statement
        let attach: Statement
        let detach: Statement
        let detachSome: Statement
        let deleteIdle: Statement
        let endOfPage: Statement
        let deleteIdleOfPage: Statement
        let moveClaims: Statement
        let claims: Statement

        init(_ registry: StatementRegistry) throws(SQLiteError) {
            byName = try registry.prepare("find session", "SELECT id, connection FROM session WHERE name = ?1")
            connection = try registry.prepare(
                "connection of session",
                "SELECT connection FROM session WHERE id = ?1"
            )
            insert = try registry.prepare(
                "add session",
                """
                INSERT OR IGNORE INTO session (id, name, connection, taken_ms)
                SELECT iif((SELECT max(seq) FROM sqlite_sequence WHERE name = 'session') >= ?4, ?5, NULL), ?1, ?2, ?3
                WHERE NOT EXISTS (SELECT 1 FROM task_state WHERE state = 'claimed' AND holder = ?5)
                """
            )
            attach = try registry.prepare(
                "attach to session",
                "UPDATE session SET connection = ?2, taken_ms = ?3 WHERE id = ?1"
            )
            detach = try registry.prepare(
                "detach from session",
                "UPDATE session SET connection = NULL WHERE id = ?1 AND connection = ?2"
            )
            detachSome = try registry.prepare(
                "detach connections of manager",
                """
                UPDATE session SET connection = NULL
                WHERE id IN (SELECT id FROM session WHERE connection BETWEEN ?1 AND ?2 LIMIT ?3)
                """
            )
            deleteIdle = try registry.prepare(
                "remove idle session",
                """
                DELETE FROM session WHERE id = ?1 AND connection IS NULL
                    AND NOT EXISTS (SELECT 1 FROM task_state WHERE state = 'claimed' AND holder = ?1)
                """
            )
            endOfPage = try registry.prepare(
                "end of page of sessions",
                "SELECT id FROM session WHERE id > ?1 ORDER BY id LIMIT 1 OFFSET ?2 - 1"
            )
            deleteIdleOfPage = try registry.prepare(
                "remove idle sessions of page",
                """
                DELETE FROM session WHERE id > ?1 AND id <= ?2 AND connection IS NULL
                    AND NOT EXISTS (SELECT 1 FROM task_state WHERE state = 'claimed' AND holder = session.id)
                """
            )
            moveClaims = try registry.prepare(
                "move claims to session",
                """
                UPDATE task_state NOT INDEXED SET holder = ?2
                WHERE state = 'claimed' AND id IN (
                    SELECT id FROM task_state WHERE state = 'claimed' AND holder = ?1 LIMIT ?3
                )
                """
            )
            claims = try registry.prepare(
                "claims of holder",
                """
                SELECT id, tube_id, ttr_s, due_ms FROM task_state
                WHERE state = 'claimed' AND holder = ?1 AND id > ?2 ORDER BY id LIMIT ?3
                """
            )
        }
    }

    /// Returns what holds a connection's claims in the table: the connection itself or its named session.
    ///
    /// - Returns: `nil` if another connection is attached to the named session now.
    /// - Throws: SQLite's error.
    func holder(for connection: SessionID) throws(SQLiteError) -> ClaimHolder? {
        guard let session = namedSessions[connection] else { return ClaimHolder(connection) }
        if !namedSessions.isConfirmed(connection) {
            guard try connectionInRow(of: session) == connection else { return nil }
            namedSessions.confirm(connection)
        }
        // The operation may move the end of the first claim.
        nextEvents[.namedClaims] = .unknown
        return ClaimHolder(session)
    }

    /// Returns the holder of a connection's claims now, without any effect on the batch.
    ///
    /// - Returns: the connection itself if another connection has taken its named session.
    /// - Throws: SQLite's error.
    func currentHolder(for connection: SessionID) throws(SQLiteError) -> ClaimHolder {
        guard let session = namedSessions[connection], try connectionInRow(of: session) == connection else {
            return ClaimHolder(connection)
        }
        return ClaimHolder(session)
    }

    /// Returns the connection in a named session's row; `nil` if there is none.
    private func connectionInRow(of session: NamedSessionID) throws(SQLiteError) -> SessionID? {
        let statement = statements.session.connection
        statement.bind(session.rawValue)
        defer { statement.reset() }
        guard try statement.step(), let connection = statement.optionalInt(0) else { return nil }
        return SessionID(rawValue: connection)
    }

    /// Attaches a connection to a named session, which is made if it does not exist, and brings the connection's claims
    /// to it.
    ///
    /// - Parameters:
    ///   - connection: the connection.
    ///   - name: the session's name.
    ///   - last: nil in the first step; in the next ones the last task whose claim is known, or 0.
    /// - Returns: the session's next claims, as many as the batch has room for.
    /// - Throws: SQLite's error.
    func attach(_ connection: SessionID, to name: SessionName, after last: TaskID?) throws(SQLiteError) -> Outcome {
        let session: NamedSessionID
        if last == nil {
            session = try attachRow(of: name, connection)
        } else {
            guard let attached = namedSessions[connection], try holder(for: connection) != nil else {
                return .superseded
            }
            session = attached
        }
        nextEvents[.namedClaims] = .unknown
        let move = statements.session.moveClaims
        move.bind(ClaimHolder(connection).rawValue, ClaimHolder(session).rawValue, Int64(attachRoom))
        let moved = try move.run()
        guard moved < attachRoom else {
            attachRoom = 0
            return .attached([], hasMore: true)
        }
        attachRoom -= moved
        let known = try claims(of: session, after: last?.rawValue ?? 0, atMost: attachRoom)
        let hasMore = known.count == attachRoom
        attachRoom -= known.count
        return .attached(known, hasMore: hasMore)
    }

    /// Attaches a connection to a named session's row, which is made if it does not exist.
    ///
    /// - Returns: the session's id.
    /// - Throws: SQLite's error.
    private func attachRow(of name: SessionName, _ connection: SessionID) throws(SQLiteError) -> NamedSessionID {
        let session: NamedSessionID
        let find = statements.session.byName
        find.bind(name.key, at: 1)
        if try find.step() {
            session = NamedSessionID(rawValue: find.int(0))
            let former = find.optionalInt(1).map(SessionID.init(rawValue:))
            find.reset()
            // It may wait for tasks, and has to be told.
            if let former, former.manager != manager { supersedesElsewhere = true }
            statements.session.attach.bind(session.rawValue, connection.rawValue, now)
            try statements.session.attach.run()
        } else {
            session = try makeSession(name, for: connection)
        }
        if let former = namedSessions[connection], former != session { try detachRow(of: former, connection) }
        namedSessions.set(session, for: connection)
        return session
    }

    /// How many ids are tried for a new session after all were used once.
    ///
    /// Even with a million sessions, one is enough in nearly all cases.
    private static let mostTries = 100

    /// Adds a named session.
    ///
    /// After 2³²−1 sessions the next id would be that of a connection. From then on ids are chosen at random, and ids
    /// that a session or a claim has are skipped. An id may be used again: a connection that had it before finds
    /// another connection in the session's row, as if the session had been taken from it.
    ///
    /// - Returns: its id.
    private func makeSession(_ name: SessionName, for connection: SessionID) throws(SQLiteError) -> NamedSessionID {
        let insert = statements.session.insert
        insert.bind(name.key, at: 1)
        insert.bind(connection.rawValue, at: 2)
        insert.bind(now, at: 3)
        insert.bind(NamedSessionID.largest, at: 4)
        for _ in 0..<Self.mostTries {
            insert.bind(Int64.random(in: 1...NamedSessionID.largest), at: 5)
            if try insert.run() == 1 { return NamedSessionID(rawValue: database.lastInsertedRow) }
        }
        throw SQLiteError(noNumberFor: "a named session")
    }

    /// Reads the first claims of a named session on tasks after one of them.
    private func claims(
        of session: NamedSessionID,
        after last: Int64,
        atMost limit: Int
    ) throws(SQLiteError) -> [HeldClaim] {
        var claims: [HeldClaim] = []
        let statement = statements.session.claims
        statement.bind(ClaimHolder(session).rawValue, last, Int64(limit))
        while try statement.step() {
            claims.append(
                HeldClaim(
                    id: TaskID(rawValue: statement.int(0)),
                    tube: try tube(withID: statement.int(1)).name,
                    timeToRun: UInt32(clamping: statement.int(2)),
                    timeLeft: max(0, statement.int(3) - claimNow)
                )
            )
        }
        return claims
    }

    /// Returns claims that a connection has not brought to its named session, and detaches it with the last of them.
    ///
    /// - Parameters:
    ///   - connection: the connection.
    ///   - isSessionOver: whether the claims of the named session are returned too.
    /// - Returns: the number of claims; ``Batch/mostRows`` if there may be more.
    /// - Throws: SQLite's error.
    func returnClaimsAndDetach(_ connection: SessionID, isSessionOver: Bool) throws(SQLiteError) -> Int {
        var returned = try returnClaims(of: connection.rawValue...connection.rawValue)
        if isSessionOver, returned < Batch.mostRows, let session = try holder(for: connection)?.namedSession {
            let holder = ClaimHolder(session)
            returned += try returnClaims(of: holder.rawValue...holder.rawValue, limit: Batch.mostRows - returned)
        }
        if returned < Batch.mostRows { _ = try detach(connection) }
        return returned
    }

    /// Detaches a connection from its named session, whose claims stay.
    ///
    /// - Returns: whether the connection was attached to one.
    /// - Throws: SQLite's error.
    func detach(_ connection: SessionID) throws(SQLiteError) -> Bool {
        guard let session = namedSessions[connection] else { return false }
        try detachRow(of: session, connection)
        namedSessions.set(nil, for: connection)
        return true
    }

    private func detachRow(of session: NamedSessionID, _ connection: SessionID) throws(SQLiteError) {
        statements.session.detach.bind(session.rawValue, connection.rawValue)
        try statements.session.detach.run()
        statements.session.deleteIdle.bind(session.rawValue)
        try statements.session.deleteIdle.run()
    }

    /// Detaches connections of a manager that has ended.
    ///
    /// - Returns: their number; at most `limit`.
    /// - Throws: SQLite's error.
    func detachConnections(of manager: ManagerID, limit: Int) throws(SQLiteError) -> Int {
        let connections = SessionID.all(of: manager)
        let statement = statements.session.detachSome
        statement.bind(connections.lowerBound, connections.upperBound, Int64(limit))
        return try statement.run()
    }

    /// Looks at some named sessions, and removes those without a connection and without claims.
    ///
    /// - Parameters:
    ///   - start: the id after which to begin.
    ///   - limit: the largest number of sessions to look at.
    /// - Returns: the id after which to continue; 0 after the last session.
    /// - Throws: SQLite's error.
    func removeIdleSessions(after start: Int64, atMost limit: Int) throws(SQLiteError) -> Int64 {
        let endOfPage = statements.session.endOfPage
        endOfPage.bind(start, Int64(limit))
        let end = try endOfPage.step() ? endOfPage.int(0) : nil
        endOfPage.reset()
        statements.session.deleteIdleOfPage.bind(start, end ?? .max)
        try statements.session.deleteIdleOfPage.run()
        return end ?? 0
    }

    /// Finds the connections of this manager whose named sessions other connections have taken.
    func supersededConnections() throws(SQLiteError) -> [SessionID] {
        var superseded: [SessionID] = []
        for (connection, session) in namedSessions.all {
            if try connectionInRow(of: session) != connection { superseded.append(connection) }
        }
        return superseded
    }
}
