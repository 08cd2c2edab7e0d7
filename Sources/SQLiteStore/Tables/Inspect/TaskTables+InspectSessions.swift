import TaskStore

/// The names that belong to the numbers of holders, read as they are needed.
struct HolderNames {
    /// The names of all managers; nil until they are read.
    var managers: [Int64: String]?

    /// The connections of named sessions.
    var connections: [Int64: SessionID?] = [:]
}

/// Sessions for operators.
extension TaskTables {
    /// Reads a page of named sessions.
    func inspectSessions(
        tube name: TubeName?,
        manager: String?,
        after: Int64,
        limit: Int,
        _ budget: InspectBudget
    ) throws(SQLiteError) -> InspectPage<SessionDescription> {
        var tubeID: Int64?
        if let name {
            guard let tube = try findTube(name) else { return InspectPage([]) }
            tubeID = tube.id
        }
        var budget = budget
        var holders = HolderNames()
        var page = InspectPage<SessionDescription>([])
        var last = after
        let statement = statements.inspect.sessions
        statement.bind(after)
        defer { statement.reset() }
        while try statement.step() {
            guard page.rows.count < limit, budget.takeRow() else {
                page.next = String(last)
                break
            }
            let id = statement.int(0)
            last = id
            holders.connections[id] = .some(statement.optionalInt(1).map(SessionID.init(rawValue:)))
            let holder = try describe(id, &holders)
            if let manager, holder.manager != manager { continue }
            if let tubeID, try !holdsTask(id, of: tubeID) { continue }
            page.rows.append(
                SessionDescription(
                    holder: holder,
                    attached: Timestamp(rawValue: statement.int(2)),
                    claims: Int(statement.int(3))
                )
            )
        }
        return page
    }

    private func holdsTask(_ session: Int64, of tube: Int64) throws(SQLiteError) -> Bool {
        let statement = statements.inspect.claimOfSession
        statement.bind(session, tube)
        defer { statement.reset() }
        return try statement.step()
    }

    /// Describes the holder of a claim.
    func describe(_ number: Int64, _ names: inout HolderNames) throws(SQLiteError) -> HolderDescription {
        let isNamed = number <= NamedSessionID.largest
        let connection = isNamed ? try connection(ofSession: number, &names) : SessionID(rawValue: number)
        if names.managers == nil {
            names.managers = Dictionary(
                uniqueKeysWithValues: try managers().map { ($0.id.rawValue, $0.name) }
            )
        }
        return HolderDescription(
            session: number,
            isNamed: isNamed,
            manager: connection.flatMap { names.managers?[$0.manager.rawValue] },
            connection: connection?.connection
        )
    }

    private func connection(ofSession number: Int64, _ names: inout HolderNames) throws(SQLiteError) -> SessionID? {
        if let known = names.connections[number] { return known }
        let statement = statements.inspect.sessionOfHolder
        statement.bind(number)
        defer { statement.reset() }
        let connection = try statement.step() ? statement.optionalInt(0).map(SessionID.init(rawValue:)) : nil
        names.connections[number] = .some(connection)
        return connection
    }
}
