internal import BeanstalkWire
public import TaskStore

/// Puts that were handed to a connection and whose answers are still to come.
public struct PendingPuts: Sendable {
    // Small enough that, when a connection is lost, little was sent in vain; large enough to be one write.
    private static let tasksAtOnce = 128

    private struct Part: Sendable {
        var range: Range<Int>
        var request: PendingRequest
    }

    private let tasks: [NewTask]
    private let parts: [Part]
    private let pool: ManagerPool

    init(_ tasks: [NewTask], over connection: ManagerConnection, pool: ManagerPool) {
        self.tasks = tasks
        self.pool = pool
        self.parts = Self.ranges(of: tasks)
            .map { range in
                Part(range: range, request: Self.send(tasks[range], over: connection))
            }
    }

    /// Waits for the answers.
    ///
    /// Tasks that surely are not in the queue (never sent, or refused by a manager that is draining or has no room) are
    /// put through other managers, for as long as the client's patience lasts. A task is never put again where it may be
    /// in the queue.
    ///
    /// - Parameter canGoElsewhere: whether to do so; if not, such tasks fail at once.
    /// - Returns: for each task its number, or why it has none, in the order of the puts.
    public func outcomes(canGoElsewhere: Bool = true) async -> [Result<TaskID, ClientError>] {
        var outcomes = PutOutcomes(count: tasks.count)
        for part in parts {
            outcomes.settle(part.range, await part.request.endingUnlessCancelled())
        }
        guard canGoElsewhere, !outcomes.unsettled.isEmpty else { return outcomes.results }
        return await putElsewhere(outcomes)
    }

    private func putElsewhere(_ before: PutOutcomes) async -> [Result<TaskID, ClientError>] {
        var outcomes = before
        do throws(ClientError) {
            try await pool.withManagers { index in
                do throws(ClientError) {
                    let connection = try await pool.sharedConnection(index)
                    let positions = outcomes.unsettled
                    let again = positions.map { tasks[$0] }
                    let requests = Self.ranges(of: again)
                        .map { range in
                            (positions: positions[range], request: Self.send(again[range], over: connection))
                        }
                    for (positions, request) in requests {
                        outcomes.settle(positions, await request.endingUnlessCancelled())
                    }
                    return outcomes.lastRefusal.map(Attempt.elsewhere) ?? .done(())
                } catch {
                    return .withoutConnection(error)
                }
            }
        } catch {
            outcomes.fail(error)
        }
        return outcomes.results
    }

    private static func send(_ tasks: ArraySlice<NewTask>, over connection: ManagerConnection) -> PendingRequest {
        let commands = tasks.map { task in
            Command.put(
                priority: task.priority,
                delay: task.delay,
                timeToRun: task.timeToRun,
                body: task.body
            )
        }
        return connection.send(commands, needs: ConnectionNeeds(using: tasks.first?.tube))
    }

    // Runs of tasks for one tube, none too long.
    private static func ranges(of tasks: [NewTask]) -> [Range<Int>] {
        var ranges: [Range<Int>] = []
        var start = 0
        while start < tasks.count {
            let limit = min(start + tasksAtOnce, tasks.count)
            let tube = tasks[start].tube
            let end = tasks[start..<limit].firstIndex { $0.tube != tube } ?? limit
            ranges.append(start..<end)
            start = end
        }
        return ranges
    }
}
