internal import BeanstalkWire
public import TaskStore

extension BeanrowClient {
    /// The priority of tasks that are given none; smaller is more urgent.
    public static let defaultPriority: UInt32 = 65_536

    /// The time to run of tasks that are given none, in seconds.
    public static let defaultTimeToRun: UInt32 = 60

    /// Puts one task into the queue.
    ///
    /// - Parameters:
    ///   - body: the body.
    ///   - tube: where to.
    ///   - priority: smaller is more urgent.
    ///   - delay: seconds before a consumer can have it.
    ///   - timeToRun: seconds that a consumer may hold it; 0 counts as 1.
    /// - Returns: the task's number. The task is safe then.
    /// - Throws: ``ClientError``; with ``ClientError/Code/putOutcomeUnknown`` the task may be in the queue.
    @discardableResult
    public func put(
        _ body: [UInt8],
        in tube: TubeName = .default,
        priority: UInt32 = defaultPriority,
        delay: UInt32 = 0,
        timeToRun: UInt32 = defaultTimeToRun
    ) async throws(ClientError) -> TaskID {
        let task = NewTask(tube: tube, priority: priority, delay: delay, timeToRun: timeToRun, body: body)
        return try await put([task])[0].get()
    }

    /// Puts many tasks into the queue, far faster than one after the other.
    ///
    /// - Parameter tasks: the tasks; those of one connection arrive in this order.
    /// - Returns: for each task its number, or why it has none, in the same order.
    public func put(_ tasks: [NewTask]) async -> [Result<TaskID, ClientError>] {
        do throws(ClientError) {
            return try await startPut(tasks).outcomes()
        } catch {
            return Array(repeating: .failure(error), count: tasks.count)
        }
    }

    /// Hands many tasks to a connection and returns without waiting for the answers, so that more can follow.
    ///
    /// Nothing holds the caller back: bound the number of ``PendingPuts`` you keep.
    ///
    /// - Parameter tasks: the tasks; those of one connection arrive in the order of the calls.
    /// - Returns: the way to the outcomes.
    /// - Throws: ``ClientError`` where no manager can be reached; nothing was sent then.
    public func startPut(_ tasks: [NewTask]) async throws(ClientError) -> PendingPuts {
        let connection = try await pool.withManagers { index in
            do throws(ClientError) {
                return .done(try await pool.sharedConnection(index))
            } catch {
                return .withoutConnection(error)
            }
        }
        return PendingPuts(tasks, over: connection, pool: pool)
    }
}
