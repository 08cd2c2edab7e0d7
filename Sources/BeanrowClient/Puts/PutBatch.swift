internal import BeanstalkWire
public import TaskStore

/// Puts that were passed to a connection and whose answers have not arrived yet.
public struct PutBatch: Sendable {
    // Small, so that little has to be sent again after a lost connection. Large enough to be one write.
    private static let tasksPerRequest = 128

    private struct Part: Sendable {
        var positions: ArraySlice<Int>
        var request: PendingRequest
    }

    private let tasks: [NewTask]
    private let keys: PutKeys
    private let hasKeys: Bool
    private let parts: [Part]
    private let pool: ManagerPool

    /// Passes the tasks to a connection.
    ///
    /// - Parameters:
    ///   - tasks: the tasks.
    ///   - keys: the keys of the tasks.
    ///   - connection: the connection. If the keys are from the caller, its manager accepts keys.
    ///   - takesKeys: whether its manager accepts keys.
    ///   - pool: finds other managers.
    init(
        _ tasks: [NewTask],
        keys: PutKeys,
        over connection: ManagerConnection,
        takesKeys: Bool,
        pool: ManagerPool
    ) {
        self.tasks = tasks
        self.keys = keys
        self.pool = pool
        self.hasKeys = takesKeys && keys.list != nil
        self.parts = Self.send(tasks, at: Array(tasks.indices), hasKeys ? keys.list : nil, over: connection)
    }

    /// Waits for the answers.
    ///
    /// Some tasks are certainly not in the queue: they were not sent, or a manager refused them because it is draining
    /// or full. They are put through other managers, until ``BeanrowClient/Options/failoverTimeout``. The same happens
    /// to tasks with an unknown outcome that carry keys: a manager that has the task returns its id. Without keys, a
    /// task with an unknown outcome is never put again.
    ///
    /// - Parameter allowsFailover: whether to use other managers. If not, such tasks fail at once.
    /// - Returns: for each task its id or its error, in the order of the puts.
    public func outcomes(allowsFailover: Bool = true) async -> [Result<TaskID, ClientError>] {
        var outcomes = PutOutcomes(count: tasks.count)
        for part in parts {
            outcomes.settle(part.positions, await part.request.resultUnlessCancelled(), hasKeys: hasKeys)
        }
        guard allowsFailover, !outcomes.unsettled.isEmpty else { return outcomes.results }
        return await putThroughOthers(outcomes)
    }

    private func putThroughOthers(_ before: PutOutcomes) async -> [Result<TaskID, ClientError>] {
        var outcomes = before
        do throws(ClientError) {
            try await pool.withManagers { index in await putAgain(&outcomes, at: index) }
        } catch {
            outcomes.fail(error)
        }
        return outcomes.results
    }

    private func putAgain(_ outcomes: inout PutOutcomes, at index: Int) async -> AttemptResult<Void> {
        do throws(ClientError) {
            let connection = try await pool.sharedConnection(index)
            let takesKeys = keys.list == nil ? false : try await connection.takesKeys()
            guard takesKeys || !(keys.areGiven || outcomes.needsKeys) else {
                return .tryNext(Self.takesNoKeys(connection.address))
            }
            for part in Self.send(tasks, at: outcomes.unsettled, takesKeys ? keys.list : nil, over: connection) {
                let result = await part.request.resultUnlessCancelled()
                outcomes.settle(part.positions, result, hasKeys: takesKeys)
            }
            return outcomes.lastRefusal.map(AttemptResult.tryNext) ?? .done(())
        } catch {
            return error.code == .cancelled || error.code == .closed ? .failed(error) : .tryNext(error)
        }
    }

    /// Returns the error of a put that must carry a key at a manager that does not accept keys.
    static func takesNoKeys(_ address: ManagerAddress) -> ClientError {
        ClientError(.unknownCommand, "the manager does not take keys (UNKNOWN_COMMAND)", address: address)
    }

    // Sends one request per run of tasks for the same tube.
    private static func send(
        _ tasks: [NewTask],
        at positions: [Int],
        _ keys: [UniqueKey]?,
        over connection: ManagerConnection
    ) -> [Part] {
        var parts: [Part] = []
        var start = 0
        while start < positions.count {
            let limit = min(start + tasksPerRequest, positions.count)
            let tube = tasks[positions[start]].tube
            let end = positions[start..<limit].firstIndex { tasks[$0].tube != tube } ?? limit
            let some = positions[start..<end]
            let commands = some.map { position in
                var task = tasks[position]
                task.key = keys?[position]
                return Command(putting: task)
            }
            parts.append(
                Part(positions: some, request: connection.send(commands, requiring: ChannelState(using: tube)))
            )
            start = end
        }
        return parts
    }
}
