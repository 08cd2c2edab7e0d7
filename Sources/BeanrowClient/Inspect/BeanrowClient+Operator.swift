internal import BeanstalkWire
private import FoundationEssentials
public import TaskStore

/// What operators ask and do. Managers of older versions do not know these commands: ``ClientError/Code/unknownCommand``.
extension BeanrowClient {
    /// Asks a question and returns the JSON document that answers it (docs/json.md).
    ///
    /// - Parameter query: the question.
    /// - Returns: the document, in UTF-8; `nil` if there is no such task or tube.
    /// - Throws: ``ClientError``
    public func inspect(_ query: InspectQuery) async throws(ClientError) -> [UInt8]? {
        guard let reply = try await found(.inspect(query), isRepeatable: true) else { return nil }
        guard case .ok(let document) = reply else { throw unexpected }
        return document
    }

    /// Reads all managers, by number.
    ///
    /// - Throws: ``ClientError``
    public func inspectManagers() async throws(ClientError) -> [InspectedManager] {
        guard let rows = try await decode(.managers)?.managers else { throw unexpected }
        return rows
    }

    /// Reads a page of tubes, in the order of their names.
    ///
    /// - Parameters:
    ///   - state: only tubes that have tasks in this state.
    ///   - after: ``InspectedPage/next`` of the page before; `nil` for the first page.
    ///   - limit: the most rows, 1 to 1000.
    /// - Returns: the page.
    /// - Throws: ``ClientError``
    public func inspectTubes(
        having state: TaskState? = nil,
        after: String? = nil,
        limit: Int = InspectQuery.usualLimit
    ) async throws(ClientError) -> InspectedPage<InspectedTube> {
        let query = InspectQuery.tubes(having: state, after: after.flatMap { TubeName($0) }, limit: limit)
        return try await page(query) { $0.tubes }
    }

    /// Reads one tube.
    ///
    /// - Returns: `nil` if there is no such tube.
    /// - Throws: ``ClientError``
    public func inspectTube(_ name: TubeName) async throws(ClientError) -> InspectedTube? {
        guard let document = try await decode(.tube(name)) else { return nil }
        guard let tube = document.tube else { throw unexpected }
        return tube
    }

    /// Reads a page of tasks, in the order of their ids.
    ///
    /// - Parameters:
    ///   - filter: the tasks that are wanted.
    ///   - after: ``InspectedPage/next`` of the page before; `nil` for the first page.
    ///   - limit: the most rows, 1 to 1000.
    /// - Returns: the page.
    /// - Throws: ``ClientError``
    public func inspectTasks(
        _ filter: TaskFilter = TaskFilter(),
        after: String? = nil,
        limit: Int = InspectQuery.usualLimit
    ) async throws(ClientError) -> InspectedPage<InspectedTask> {
        try await page(.tasks(filter, after: TaskID(rawValue: Self.number(after)), limit: limit)) { $0.tasks }
    }

    /// Reads everything about one task.
    ///
    /// - Parameters:
    ///   - id: the task's id.
    ///   - withBody: whether its whole body is wanted.
    /// - Returns: `nil` if there is no such task.
    /// - Throws: ``ClientError``
    public func inspectTask(_ id: TaskID, withBody: Bool = false) async throws(ClientError) -> InspectedTask? {
        guard let document = try await decode(.task(id, withBody: withBody)) else { return nil }
        guard let task = document.task else { throw unexpected }
        return task
    }

    /// Reads a page of claims, in the order of the tasks' ids.
    ///
    /// - Parameters:
    ///   - tube: only claims of tasks of this tube.
    ///   - manager: only claims through managers with this name.
    ///   - after: ``InspectedPage/next`` of the page before; `nil` for the first page.
    ///   - limit: the most rows, 1 to 1000.
    /// - Returns: the page.
    /// - Throws: ``ClientError``
    public func inspectClaims(
        tube: TubeName? = nil,
        manager: String? = nil,
        after: String? = nil,
        limit: Int = InspectQuery.usualLimit
    ) async throws(ClientError) -> InspectedPage<InspectedClaim> {
        let after = TaskID(rawValue: Self.number(after))
        return try await page(.claims(tube: tube, manager: manager, after: after, limit: limit)) { $0.claims }
    }

    /// Reads a page of named sessions, in the order of their numbers.
    ///
    /// - Parameters:
    ///   - tube: only sessions that hold a task of this tube.
    ///   - manager: only sessions that a connection of managers with this name has attached.
    ///   - after: ``InspectedPage/next`` of the page before; `nil` for the first page.
    ///   - limit: the most rows, 1 to 1000.
    /// - Returns: the page.
    /// - Throws: ``ClientError``
    public func inspectSessions(
        tube: TubeName? = nil,
        manager: String? = nil,
        after: String? = nil,
        limit: Int = InspectQuery.usualLimit
    ) async throws(ClientError) -> InspectedPage<InspectedSession> {
        try await page(.sessions(tube: tube, manager: manager, after: Self.number(after), limit: limit)) { $0.sessions }
    }

    /// Reads what is known of the database and its files.
    ///
    /// - Throws: ``ClientError``
    public func inspectStore() async throws(ClientError) -> InspectedStore {
        guard let store = try await decode(.store)?.store else { throw unexpected }
        return store
    }

    /// Ends the claim of a task, whichever session holds it.
    ///
    /// - Returns: `false` if no session holds it.
    /// - Throws: ``ClientError``
    public func breakClaim(_ id: TaskID) async throws(ClientError) -> Bool {
        try await found(.breakClaim(id), isRepeatable: false) != nil
    }

    /// Ends a named session: its claims are returned, and its connection is superseded.
    ///
    /// - Parameter number: the session's number, 1 to 4294967295.
    /// - Returns: `false` if there is no such session.
    /// - Throws: ``ClientError``
    public func endSession(_ number: Int64) async throws(ClientError) -> Bool {
        try await found(.endSession(number), isRepeatable: false) != nil
    }

    /// Tells all managers of a name to take no more tasks, or to take tasks again.
    ///
    /// They learn it within a second.
    ///
    /// - Parameters:
    ///   - manager: the name.
    ///   - isDraining: whether they are to refuse new tasks.
    /// - Returns: `false` if no manager has the name.
    /// - Throws: ``ClientError``
    public func setDraining(manager: String, _ isDraining: Bool) async throws(ClientError) -> Bool {
        do throws(ClientError) {
            return try await found(.drain(manager: manager, isDraining), isRepeatable: true) != nil
        } catch {
            // It is the answer of this command, and a refusal of others.
            guard error.code == .draining, isDraining else { throw error }
            return true
        }
    }

    /// Moves a task that no session holds to a tube, which is made if it does not exist.
    ///
    /// - Returns: `false` if there is no such task, or a session holds it.
    /// - Throws: ``ClientError``
    public func move(_ id: TaskID, to tube: TubeName) async throws(ClientError) -> Bool {
        try await found(.moveJob(id, to: tube), isRepeatable: true) != nil
    }

    /// Moves tasks of a tube that are in one state to another tube, the first ones first.
    ///
    /// The manager moves them in steps, and serves other clients between two steps.
    ///
    /// - Parameters:
    ///   - source: the tube that has the tasks.
    ///   - target: the tube that gets them; it is made if it does not exist.
    ///   - state: pending, delayed or buried.
    ///   - limit: the most tasks.
    /// - Returns: the number of tasks; `nil` if there is no such tube.
    /// - Throws: ``ClientError``. If ``ClientError/mayHaveHappened`` is true, some or all tasks may be moved.
    public func move(
        from source: TubeName,
        to target: TubeName,
        _ state: TaskState,
        limit: UInt32
    ) async throws(ClientError) -> Int? {
        guard state != .claimed else { throw ClientError(.badFormat, "claimed tasks cannot be moved") }
        let command = Command.moveTube(from: source, to: target, state, limit: limit)
        guard let reply = try await found(command, isRepeatable: false) else { return nil }
        guard case .moved(let count) = reply else { throw unexpected }
        return count
    }

    /// Changes a task that no session holds.
    ///
    /// - Parameters:
    ///   - id: the task's id.
    ///   - edit: what changes; at least one value.
    /// - Returns: `false` if there is no such task, if a session holds it, or if it is buried and the delay is to change.
    /// - Throws: ``ClientError``
    public func edit(_ id: TaskID, _ edit: TaskEdit) async throws(ClientError) -> Bool {
        guard !edit.isEmpty else { throw ClientError(.badFormat, "nothing is to be changed") }
        return try await found(.editJob(id, edit), isRepeatable: true) != nil
    }

    /// The documents, each with one of these keys.
    private struct Document: Decodable {
        var next: String?
        var managers: [InspectedManager]?
        var tubes: [InspectedTube]?
        var tube: InspectedTube?
        var tasks: [InspectedTask]?
        var task: InspectedTask?
        var claims: [InspectedClaim]?
        var sessions: [InspectedSession]?
        var store: InspectedStore?
    }

    private func decode(_ query: InspectQuery) async throws(ClientError) -> Document? {
        guard let bytes = try await inspect(query) else { return nil }
        do {
            return try JSONDecoder().decode(Document.self, from: Data(bytes))
        } catch {
            throw ClientError(.protocolViolation, "the answer to inspect is not as documented: \(error)")
        }
    }

    private func page<Row>(
        _ query: InspectQuery,
        _ rows: (Document) -> [Row]?
    ) async throws(ClientError) -> InspectedPage<Row> {
        guard let document = try await decode(query), let rows = rows(document) else { throw unexpected }
        return InspectedPage(rows: rows, next: document.next)
    }

    private static func number(_ key: String?) -> Int64 { key.flatMap { Int64($0) } ?? 0 }
}
