internal import BeanstalkWire
internal import Synchronization
public import TaskStore

extension BeanrowClient {
    /// The priority of tasks that are given none; smaller is more urgent.
    public static let defaultPriority: UInt32 = 65_536

    /// The time to run of tasks that are given none, in seconds.
    public static let defaultTimeToRun: UInt32 = 60

    /// Puts one task into the queue.
    ///
    /// A put whose answer was lost is repeated until it is known: each carries a key, and a manager that has a task with
    /// this key already adds none. See ``Options/putsWithKeys``.
    ///
    /// - Parameters:
    ///   - body: the body.
    ///   - tube: where to.
    ///   - priority: smaller is more urgent.
    ///   - delay: seconds before a consumer can have it.
    ///   - timeToRun: seconds that a consumer may hold it; 0 counts as 1.
    ///   - uniqueKey: what this task is called in its tube, so that it is put once even if the whole process starts anew.
    ///     Where a task with this key is in the tube, or was deleted less than the managers' `--unique-retention` ago,
    ///     that task's number is returned and this one not added, whatever its body. Without, a key is made up.
    /// - Returns: the task's number. The task is safe then.
    /// - Throws: ``ClientError``; with ``ClientError/Code/putOutcomeUnknown`` the task may be in the queue.
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

    /// Puts many tasks into the queue, far faster than one after the other.
    ///
    /// - Parameters:
    ///   - tasks: the tasks; those of one connection arrive in this order.
    ///   - uniqueKeys: a key for each task; nil for the tasks' own keys, or made-up ones for tasks that have none.
    /// - Returns: for each task its number, or why it has none, in the same order.
    public func put(
        _ tasks: [NewTask],
        uniqueKeys: [UniqueKey]? = nil
    ) async -> [Result<TaskID, ClientError>] {
        do throws(ClientError) {
            return try await startPut(tasks, uniqueKeys: uniqueKeys).outcomes()
        } catch {
            return Array(repeating: .failure(error), count: tasks.count)
        }
    }

    /// Hands many tasks to a connection and returns without waiting for the answers, so that more can follow.
    ///
    /// Nothing holds the caller back: bound the number of ``PendingPuts`` you keep.
    ///
    /// - Parameters:
    ///   - tasks: the tasks; those of one connection arrive in the order of the calls.
    ///   - uniqueKeys: a key for each task; nil for the tasks' own keys, or made-up ones for tasks that have none.
    /// - Returns: the way to the outcomes.
    /// - Throws: ``ClientError`` where no manager can be reached, or it takes no keys and some were given; nothing was sent
    ///   then.
    public func startPut(
        _ tasks: [NewTask],
        uniqueKeys: [UniqueKey]? = nil
    ) async throws(ClientError) -> PendingPuts {
        let keys = try keys(for: tasks, uniqueKeys)
        let (connection, takesKeys) = try await pool.withManagers { index in await puttingConnection(index, for: keys) }
        return PendingPuts(tasks, keys: keys, over: connection, takesKeys: takesKeys, pool: pool)
    }

    private func puttingConnection(
        _ index: Int,
        for keys: PendingPuts.Keys
    ) async -> Attempt<(connection: ManagerConnection, takesKeys: Bool)> {
        do throws(ClientError) {
            let connection = try await pool.sharedConnection(index)
            let takesKeys = keys.list == nil ? false : try await connection.takesKeys()
            if keys.areGiven, !takesKeys { return .failed(PendingPuts.takesNoKeys(connection.address)) }
            return .done((connection, takesKeys))
        } catch {
            // Whatever was lost was only the question.
            return error.code == .cancelled || error.code == .closed ? .failed(error) : .elsewhere(error)
        }
    }

    private func keys(for tasks: [NewTask], _ given: [UniqueKey]?) throws(ClientError) -> PendingPuts.Keys {
        if let given {
            guard given.count == tasks.count else {
                throw ClientError(.badFormat, "\(tasks.count) tasks and \(given.count) keys")
            }
            return .given(given)
        }
        if tasks.contains(where: { $0.key != nil }) {
            return .given(keyMaker.withLock { maker in tasks.map { $0.key ?? maker.next() } })
        }
        guard pool.options.putsWithKeys else { return .none }
        return .own(keyMaker.withLock { maker in tasks.map { _ in maker.next() } })
    }
}
