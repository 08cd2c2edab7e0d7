internal import BeanstalkWire
public import TaskStore

extension BeanrowClient {
    /// Deletes a task that no session claims.
    ///
    /// Use ``Claim/delete()`` for a task that this client claims.
    ///
    /// - Parameter id: the task's id.
    /// - Returns: `false` if there is no such task, or a session claims it.
    /// - Throws: ``ClientError``. If ``ClientError/mayHaveHappened`` is true, the task may be deleted.
    public func delete(_ id: TaskID) async throws(ClientError) -> Bool {
        try await found(.delete(id), isRepeatable: false) != nil
    }

    /// Makes buried tasks of a tube pending.
    ///
    /// If the tube has no buried task, makes delayed tasks pending.
    ///
    /// - Parameters:
    ///   - tube: the tube.
    ///   - bound: the most tasks to make pending.
    /// - Returns: the number of tasks that are pending now.
    /// - Throws: ``ClientError``
    public func kick(_ tube: TubeName, bound: UInt32) async throws(ClientError) -> Int {
        let reply = try await ask(.kick(bound: bound), requiring: ChannelState(using: tube), isRepeatable: false)
        guard case .kicked(let count) = reply else { throw unexpected }
        return count
    }

    /// Makes one buried or delayed task pending.
    ///
    /// - Parameter id: the task's id.
    /// - Returns: `false` if there is no such task in one of these states.
    /// - Throws: ``ClientError``
    public func kick(_ id: TaskID) async throws(ClientError) -> Bool {
        try await found(.kickJob(id), isRepeatable: false) != nil
    }

    /// Deletes all tasks of a tube that are in one state.
    ///
    /// The manager deletes them in steps, and serves other clients between two steps. Tasks that are put during this
    /// time may be deleted too. The unique keys of the tasks are kept, as after ``Claim/delete()``.
    ///
    /// - Parameters:
    ///   - tube: the tube.
    ///   - state: pending, delayed or buried. Claimed tasks cannot be cleared.
    /// - Returns: the number of deleted tasks, or `nil` if there is no such tube.
    /// - Throws: ``ClientError``. If ``ClientError/mayHaveHappened`` is true, some or all tasks may be deleted.
    public func clearTube(_ tube: TubeName, _ state: TaskState) async throws(ClientError) -> Int? {
        guard state != .claimed else { throw ClientError(.badFormat, "claimed tasks cannot be cleared") }
        guard let reply = try await found(.clearTube(tube, state), isRepeatable: false) else { return nil }
        guard case .cleared(let count) = reply else { throw unexpected }
        return count
    }

    /// Reads a task.
    ///
    /// - Parameter id: the task's id.
    /// - Returns: `nil` if there is no such task.
    /// - Throws: ``ClientError``
    public func peek(_ id: TaskID) async throws(ClientError) -> PeekedTask? {
        try await peek(.peek(id), requiring: .any)
    }

    /// Reads the pending task of a tube that a reserve would claim next.
    ///
    /// - Parameter tube: the tube.
    /// - Returns: `nil` if the tube has no pending task.
    /// - Throws: ``ClientError``
    public func peekReady(_ tube: TubeName) async throws(ClientError) -> PeekedTask? {
        try await peek(.peekNext(.pending), requiring: ChannelState(using: tube))
    }

    /// Reads the task of a tube whose delay ends next.
    ///
    /// - Parameter tube: the tube.
    /// - Returns: `nil` if the tube has no delayed task.
    /// - Throws: ``ClientError``
    public func peekDelayed(_ tube: TubeName) async throws(ClientError) -> PeekedTask? {
        try await peek(.peekNext(.delayed), requiring: ChannelState(using: tube))
    }

    /// Reads the buried task of a tube that a kick would make pending next.
    ///
    /// - Parameter tube: the tube.
    /// - Returns: `nil` if the tube has no buried task.
    /// - Throws: ``ClientError``
    public func peekBuried(_ tube: TubeName) async throws(ClientError) -> PeekedTask? {
        try await peek(.peekNext(.buried), requiring: ChannelState(using: tube))
    }

    /// Pauses a tube: its tasks cannot be claimed for some time.
    ///
    /// - Parameters:
    ///   - tube: the tube.
    ///   - seconds: the length of the pause; 0 ends a pause.
    /// - Returns: `false` if there is no such tube.
    /// - Throws: ``ClientError``
    public func pause(_ tube: TubeName, seconds: UInt32) async throws(ClientError) -> Bool {
        try await found(.pauseTube(tube, seconds: seconds), isRepeatable: true) != nil
    }

    /// Reads the statistics of a task (`stats-job`).
    ///
    /// - Parameter id: the task's id.
    /// - Returns: `nil` if there is no such task.
    /// - Throws: ``ClientError``
    public func statistics(of id: TaskID) async throws(ClientError) -> Statistics? {
        try await statistics(.statsJob(id))
    }

    /// Reads the statistics of a tube (`stats-tube`).
    ///
    /// - Parameter tube: the tube.
    /// - Returns: `nil` if there is no such tube.
    /// - Throws: ``ClientError``
    public func statistics(of tube: TubeName) async throws(ClientError) -> Statistics? {
        try await statistics(.statsTube(tube))
    }

    /// Reads the statistics of the manager that answers, and of the store (`stats`).
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

    private func peek(_ command: Command, requiring state: ChannelState) async throws(ClientError) -> PeekedTask? {
        guard let reply = try await found(command, requiring: state, isRepeatable: true) else { return nil }
        guard case .found(let id, let body) = reply else { throw unexpected }
        return PeekedTask(id: id, body: body)
    }

    private func statistics(_ command: Command) async throws(ClientError) -> Statistics? {
        guard let reply = try await found(command, isRepeatable: true) else { return nil }
        guard case .ok(let text) = reply else { throw unexpected }
        return Statistics(text)
    }

    /// Sends a command.
    ///
    /// - Returns: `nil` if the answer is `NOT_FOUND`.
    func found(
        _ command: Command,
        requiring state: ChannelState = .any,
        isRepeatable: Bool
    ) async throws(ClientError) -> Reply? {
        do throws(ClientError) {
            return try await ask(command, requiring: state, isRepeatable: isRepeatable)
        } catch {
            guard error.code == .notFound else { throw error }
            return nil
        }
    }

    private func ask(
        _ command: Command,
        requiring state: ChannelState = .any,
        isRepeatable: Bool
    ) async throws(ClientError) -> Reply {
        try await pool.withManagers { index in
            do throws(ClientError) {
                let connection = try await pool.sharedConnection(index)
                let reply = try await connection.send([command], requiring: state).resultUnlessCancelled().reply(at: 0)
                guard let refusal = reply.refusal else { return .done(reply) }
                // The manager did nothing: its disk is full, or it has reached its limit of connections.
                return refusal.code == .outOfMemory ? .tryNext(refusal) : .failed(refusal)
            } catch {
                let allowsFailover = error.code == .notConnected || (isRepeatable && error.code != .cancelled)
                return allowsFailover && error.code != .closed ? .tryNext(error) : .failed(error)
            }
        }
    }

    /// The error for an answer that does not belong to the command.
    var unexpected: ClientError {
        ClientError(.protocolViolation, "unexpected answer")
    }
}
