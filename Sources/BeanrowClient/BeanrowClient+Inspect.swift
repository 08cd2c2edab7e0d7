internal import BeanstalkWire
public import TaskStore

/// A task as it was seen, without being claimed.
public struct PeekedTask: Sendable, Hashable {
    /// The task's number.
    public var id: TaskID

    /// The body as it was put.
    public var body: [UInt8]

    /// Makes one.
    public init(id: TaskID, body: [UInt8]) {
        self.id = id
        self.body = body
    }
}

extension BeanrowClient {
    /// Deletes a task that nobody holds.
    ///
    /// One's own claims are deleted with ``Claim/delete()``.
    ///
    /// - Parameter id: the task's number.
    /// - Returns: false where there is no such task or somebody holds it.
    /// - Throws: ``ClientError``; with ``ClientError/mayHaveHappened`` it may have been deleted.
    public func delete(_ id: TaskID) async throws(ClientError) -> Bool {
        try await found(.delete(id), isRepeatable: false) != nil
    }

    /// Makes buried tasks of a tube pending; where none is buried, delayed ones.
    ///
    /// - Parameters:
    ///   - tube: the tube.
    ///   - bound: the most to make pending.
    /// - Returns: how many there were.
    /// - Throws: ``ClientError``
    public func kick(_ tube: TubeName, bound: UInt32) async throws(ClientError) -> Int {
        let reply = try await ask(.kick(bound: bound), needs: ConnectionNeeds(using: tube), isRepeatable: false)
        guard case .kicked(let count) = reply else { throw unexpected }
        return count
    }

    /// Makes one buried or delayed task pending.
    ///
    /// - Parameter id: the task's number.
    /// - Returns: false where there is no such task in one of these states.
    /// - Throws: ``ClientError``
    public func kick(_ id: TaskID) async throws(ClientError) -> Bool {
        try await found(.kickJob(id), isRepeatable: false) != nil
    }

    /// Deletes all tasks of a tube that are in one state, in steps that let others have their turn in between.
    ///
    /// What comes while it runs may be deleted too. Unique keys of the tasks are kept as if they had been done.
    ///
    /// - Parameters:
    ///   - tube: the tube.
    ///   - state: pending, delayed or buried; tasks that somebody holds cannot be cleared.
    /// - Returns: how many were deleted; nothing where there is no such tube.
    /// - Throws: ``ClientError``; with ``ClientError/mayHaveHappened`` some or all may have been deleted.
    public func clearTube(_ tube: TubeName, _ state: TaskState) async throws(ClientError) -> Int? {
        guard state != .claimed else { throw ClientError(.badFormat, "claimed tasks cannot be cleared") }
        guard let reply = try await found(.clearTube(tube, state), isRepeatable: false) else { return nil }
        guard case .cleared(let count) = reply else { throw unexpected }
        return count
    }

    /// Reads a task.
    ///
    /// - Parameter id: the task's number.
    /// - Returns: nothing where there is none.
    /// - Throws: ``ClientError``
    public func peek(_ id: TaskID) async throws(ClientError) -> PeekedTask? {
        try await peek(.peek(id), needs: .none)
    }

    /// Reads the task of a tube that a reserve would take next.
    ///
    /// - Parameter tube: the tube.
    /// - Returns: nothing where there is none.
    /// - Throws: ``ClientError``
    public func peekReady(_ tube: TubeName) async throws(ClientError) -> PeekedTask? {
        try await peek(.peekNext(.pending), needs: ConnectionNeeds(using: tube))
    }

    /// Reads the task of a tube whose delay ends next.
    ///
    /// - Parameter tube: the tube.
    /// - Returns: nothing where there is none.
    /// - Throws: ``ClientError``
    public func peekDelayed(_ tube: TubeName) async throws(ClientError) -> PeekedTask? {
        try await peek(.peekNext(.delayed), needs: ConnectionNeeds(using: tube))
    }

    /// Reads the task of a tube that a kick would take next.
    ///
    /// - Parameter tube: the tube.
    /// - Returns: nothing where there is none.
    /// - Throws: ``ClientError``
    public func peekBuried(_ tube: TubeName) async throws(ClientError) -> PeekedTask? {
        try await peek(.peekNext(.buried), needs: ConnectionNeeds(using: tube))
    }

    /// Keeps a tube's tasks from being claimed for some time.
    ///
    /// - Parameters:
    ///   - tube: the tube.
    ///   - seconds: how long; 0 ends a pause.
    /// - Returns: false where there is no such tube.
    /// - Throws: ``ClientError``
    public func pause(_ tube: TubeName, seconds: UInt32) async throws(ClientError) -> Bool {
        try await found(.pauseTube(tube, seconds: seconds), isRepeatable: true) != nil
    }

    /// Reads what is known of a task.
    ///
    /// - Parameter id: the task's number.
    /// - Returns: nothing where there is none.
    /// - Throws: ``ClientError``
    public func statistics(of id: TaskID) async throws(ClientError) -> Statistics? {
        try await statistics(.statsJob(id))
    }

    /// Reads what is known of a tube.
    ///
    /// - Parameter tube: the tube.
    /// - Returns: nothing where there is none.
    /// - Throws: ``ClientError``
    public func statistics(of tube: TubeName) async throws(ClientError) -> Statistics? {
        try await statistics(.statsTube(tube))
    }

    /// Reads what is known of the manager that answers, and of the store.
    ///
    /// - Throws: ``ClientError``
    public func statistics() async throws(ClientError) -> Statistics {
        guard let statistics = try await statistics(.stats) else { throw unexpected }
        return statistics
    }

    /// Reads the names of all tubes.
    ///
    /// - Throws: ``ClientError``
    public func tubes() async throws(ClientError) -> [TubeName] {
        guard case .ok(let text) = try await ask(.listTubes, isRepeatable: true) else { throw unexpected }
        return Statistics.list(text).compactMap { TubeName($0) }
    }

    private func peek(_ command: Command, needs: ConnectionNeeds) async throws(ClientError) -> PeekedTask? {
        guard let reply = try await found(command, needs: needs, isRepeatable: true) else { return nil }
        guard case .found(let id, let body) = reply else { throw unexpected }
        return PeekedTask(id: id, body: body)
    }

    private func statistics(_ command: Command) async throws(ClientError) -> Statistics? {
        guard let reply = try await found(command, isRepeatable: true) else { return nil }
        guard case .ok(let text) = reply else { throw unexpected }
        return Statistics(text)
    }

    private func found(
        _ command: Command,
        needs: ConnectionNeeds = .none,
        isRepeatable: Bool
    ) async throws(ClientError) -> Reply? {
        do throws(ClientError) {
            return try await ask(command, needs: needs, isRepeatable: isRepeatable)
        } catch {
            guard error.code == .notFound else { throw error }
            return nil
        }
    }

    private func ask(
        _ command: Command,
        needs: ConnectionNeeds = .none,
        isRepeatable: Bool
    ) async throws(ClientError) -> Reply {
        try await pool.withManagers { index in
            do throws(ClientError) {
                let connection = try await pool.sharedConnection(index)
                let reply = try await connection.send([command], needs: needs).endingUnlessCancelled().reply(at: 0)
                guard let refusal = reply.refusal else { return .done(reply) }
                // Nothing has happened: its disk is full, or it has as many connections as it may have.
                return refusal.code == .outOfMemory ? .elsewhere(refusal) : .failed(refusal)
            } catch {
                let mayGoElsewhere = error.code == .notConnected || (isRepeatable && error.code != .cancelled)
                return mayGoElsewhere && error.code != .closed ? .elsewhere(error) : .failed(error)
            }
        }
    }

    private var unexpected: ClientError {
        ClientError(.protocolViolation, "unexpected answer")
    }
}
