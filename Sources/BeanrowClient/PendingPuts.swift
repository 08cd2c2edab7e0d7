internal import BeanstalkWire
public import TaskStore

/// Puts that were handed to a connection and whose answers are still to come.
public struct PendingPuts: Sendable {
    // Small enough that, when a connection is lost, little was sent in vain; large enough to be one write.
    private static let tasksAtOnce = 128

    /// Which key each put carries.
    enum Keys: Sendable {
        /// None.
        case none

        /// One of its own, where the manager takes keys.
        case own([UniqueKey])

        /// One that the caller gave it, without which it must not be put.
        case given([UniqueKey])
    }

    private struct Part: Sendable {
        var positions: ArraySlice<Int>
        var request: PendingRequest
    }

    private let tasks: [NewTask]
    private let keys: Keys
    private let hasKeys: Bool
    private let parts: [Part]
    private let pool: ManagerPool

    /// Hands the tasks to a connection.
    ///
    /// - Parameters:
    ///   - tasks: the tasks.
    ///   - keys: as many keys, or none.
    ///   - connection: where to; where the keys are given ones, its manager takes keys.
    ///   - takesKeys: whether its manager takes keys.
    ///   - pool: where other managers are found.
    init(
        _ tasks: [NewTask],
        keys: Keys,
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
    /// Tasks that surely are not in the queue (never sent, or refused by a manager that is draining or has no room) are
    /// put through other managers, for as long as the client's patience lasts. So are those of which it is not known, if
    /// they carry keys: a manager that has the task already tells its number. Without keys such a task is never put again.
    ///
    /// - Parameter canGoElsewhere: whether to do so; if not, such tasks fail at once.
    /// - Returns: for each task its number, or why it has none, in the order of the puts.
    public func outcomes(canGoElsewhere: Bool = true) async -> [Result<TaskID, ClientError>] {
        var outcomes = PutOutcomes(count: tasks.count)
        for part in parts {
            outcomes.settle(part.positions, await part.request.endingUnlessCancelled(), hasKeys: hasKeys)
        }
        guard canGoElsewhere, !outcomes.unsettled.isEmpty else { return outcomes.results }
        return await putElsewhere(outcomes)
    }

    private func putElsewhere(_ before: PutOutcomes) async -> [Result<TaskID, ClientError>] {
        var outcomes = before
        do throws(ClientError) {
            try await pool.withManagers { index in await putAgain(&outcomes, at: index) }
        } catch {
            outcomes.fail(error)
        }
        return outcomes.results
    }

    private func putAgain(_ outcomes: inout PutOutcomes, at index: Int) async -> Attempt<Void> {
        do throws(ClientError) {
            let connection = try await pool.sharedConnection(index)
            let takesKeys = keys.list == nil ? false : try await connection.takesKeys()
            guard takesKeys || !(keys.areGiven || outcomes.needsKeys) else {
                return .elsewhere(Self.takesNoKeys(connection.address))
            }
            for part in Self.send(tasks, at: outcomes.unsettled, takesKeys ? keys.list : nil, over: connection) {
                let ending = await part.request.endingUnlessCancelled()
                outcomes.settle(part.positions, ending, hasKeys: takesKeys)
            }
            return outcomes.lastRefusal.map(Attempt.elsewhere) ?? .done(())
        } catch {
            return error.code == .cancelled || error.code == .closed ? .failed(error) : .elsewhere(error)
        }
    }

    /// What a manager without keys is to a put that needs one.
    static func takesNoKeys(_ address: ManagerAddress) -> ClientError {
        ClientError(.unknownCommand, "the manager does not take keys (UNKNOWN_COMMAND)", address: address)
    }

    // In runs of tasks for one tube, none too long.
    private static func send(
        _ tasks: [NewTask],
        at positions: [Int],
        _ keys: [UniqueKey]?,
        over connection: ManagerConnection
    ) -> [Part] {
        var parts: [Part] = []
        var start = 0
        while start < positions.count {
            let limit = min(start + tasksAtOnce, positions.count)
            let tube = tasks[positions[start]].tube
            let end = positions[start..<limit].firstIndex { tasks[$0].tube != tube } ?? limit
            let some = positions[start..<end]
            let commands = some.map { position in
                var task = tasks[position]
                task.key = keys?[position]
                return Command(putting: task)
            }
            parts.append(
                Part(positions: some, request: connection.send(commands, needs: ConnectionNeeds(using: tube)))
            )
            start = end
        }
        return parts
    }
}

extension PendingPuts.Keys {
    /// The keys, if there are any.
    var list: [UniqueKey]? {
        switch self {
        case .none: nil
        case .own(let keys), .given(let keys): keys
        }
    }

    /// Whether they are the caller's.
    var areGiven: Bool {
        if case .given = self { true } else { false }
    }
}
