internal import BeanstalkWire
internal import Synchronization
public import TaskStore

extension BeanrowClient {
    /// The priority of a task if none is given.
    ///
    /// A smaller number is more urgent.
    public static let defaultPriority: UInt32 = 65_536

    /// The time to run of a task if none is given, in seconds.
    public static let defaultTimeToRun: UInt32 = 60

    /// Puts one task into the queue.
    ///
    /// A put whose answer was lost is repeated until its outcome is known. Each put carries a key, and a manager that
    /// has a task with this key does not add another one. See ``Options/putsWithKeys``.
    ///
    /// - Parameters:
    ///   - body: the body.
    ///   - tube: the tube of the task.
    ///   - priority: a smaller number is more urgent.
    ///   - delay: the time before a consumer can get the task, in seconds.
    ///   - timeToRun: the time that a consumer may hold the task, in seconds. 0 counts as 1.
    ///   - uniqueKey: the name of this task in its tube. The task is put once with this key, even if the process starts
    ///     again. If the tube has a task with this key, or one was deleted less than the managers' `--unique-retention`
    ///     ago, the call returns the id of that task and adds nothing, whatever the body. If `nil`, the client makes up
    ///     a key.
    /// - Returns: the id of the task, which is durable then.
    /// - Throws: ``ClientError``. After ``ClientError/Code/putOutcomeUnknown`` the task may be in the queue.
    @discardableResult
    public func put(
        _ body: [UInt8],
        in tube: TubeName = .default,
        priority: UInt32 = defaultPriority,
        delay: UInt32 = 0,
        timeToRun: UInt32 = defaultTimeToRun,
        uniqueKey: UniqueKey? = nil
    ) async throws(ClientError) -> TaskID {
        let task = NewTask(tube: tube, priority: priority, delay: delay, timeToRun: timeToRun, body: body)
        return try await put([task], uniqueKeys: uniqueKey.map { [$0] })[0].get()
    }

    /// Puts many tasks into the queue.
    ///
    /// This is much faster than one put after the other.
    ///
    /// - Parameters:
    ///   - tasks: the tasks. Those that go over one connection arrive in this order.
    ///   - uniqueKeys: one key per task. If `nil`, the tasks' own keys are used, and the client makes up keys for tasks
    ///     that have none.
    /// - Returns: for each task its id or its error, in the same order.
    public func put(
        _ tasks: [NewTask],
        uniqueKeys: [UniqueKey]? = nil
    ) async -> [Result<TaskID, ClientError>] {
        do throws(ClientError) {
            return try await sendPuts(tasks, uniqueKeys: uniqueKeys).outcomes()
        } catch {
            return Array(repeating: .failure(error), count: tasks.count)
        }
    }

    /// Passes many tasks to a connection and returns without waiting for the answers, so that more can follow.
    ///
    /// There is no limit: the caller has to bound the number of ``PutBatch`` values that it keeps.
    ///
    /// - Parameters:
    ///   - tasks: the tasks. Those that go over one connection arrive in the order of the calls.
    ///   - uniqueKeys: one key per task. If `nil`, the tasks' own keys are used, and the client makes up keys for tasks
    ///     that have none.
    /// - Returns: the batch, which gives the outcomes.
    /// - Throws: ``ClientError`` if no manager can be reached, or if keys were given and the manager does not accept
    ///   keys. Nothing was sent then.
    public func sendPuts(
        _ tasks: [NewTask],
        uniqueKeys: [UniqueKey]? = nil
    ) async throws(ClientError) -> PutBatch {
        let keys = try keys(for: tasks, uniqueKeys)
        let (connection, takesKeys) = try await pool.withManagers { index in await puttingConnection(index, for: keys) }
        return PutBatch(tasks, keys: keys, over: connection, takesKeys: takesKeys, pool: pool)
    }

    private func puttingConnection(
        _ index: Int,
        for keys: PutKeys
    ) async -> AttemptResult<(connection: ManagerConnection, takesKeys: Bool)> {
        do throws(ClientError) {
            let connection = try await pool.sharedConnection(index)
            let takesKeys = keys.list == nil ? false : try await connection.takesKeys()
            if keys.areGiven, !takesKeys { return .failed(PutBatch.takesNoKeys(connection.address)) }
            return .done((connection, takesKeys))
        } catch {
            // No put was sent yet, only the question whether the manager accepts keys.
            return error.code == .cancelled || error.code == .closed ? .failed(error) : .tryNext(error)
        }
    }

    private func keys(for tasks: [NewTask], _ given: [UniqueKey]?) throws(ClientError) -> PutKeys {
        if let given {
            guard given.count == tasks.count else {
                throw ClientError(.badFormat, "\(tasks.count) tasks and \(given.count) keys")
            }
            return .given(given)
        }
        if tasks.contains(where: { $0.key != nil }) {
            return .given(keyGenerator.withLock { generator in tasks.map { $0.key ?? generator.next() } })
        }
        guard pool.options.putsWithKeys else { return .none }
        return .generated(keyGenerator.withLock { generator in tasks.map { _ in generator.next() } })
    }
}
