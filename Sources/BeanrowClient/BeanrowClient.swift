internal import Synchronization

/// A client of several managers that share one store.
///
/// Every manager can do everything. The client uses one that answers, and moves to another if it fails. Connections are
/// made at the first use and are kept. Each request states what its connection must be set to, such as the tube to put
/// into, so a new connection needs no setup by the caller.
///
/// ```swift
/// let client = BeanrowClient(managers: [ManagerAddress(host: "127.0.0.1")])
/// let id = try await client.put(Array("hello".utf8), in: TubeName("greetings")!)
/// let claim = try await client.reserve(from: [TubeName("greetings")!])
/// try await claim.delete()
/// await client.close()
/// ```
///
/// ### Lost connections
/// - A put is repeated until its task is known to be in the queue. Each put carries its own key, so the task is there
///   once. ``ClientError/Code/putOutcomeUnknown`` is thrown in two cases: no manager can be reached, or the server does
///   not accept keys (such as beanstalkd).
/// - Requests that only read are repeated at another manager.
/// - A claim belongs to a session that outlives its connection: see ``Claim``.
///
/// ### Tasks and threads
/// A client can be used by any number of tasks at the same time. It runs on SwiftNIO's event loops and never blocks a
/// thread of the concurrency pool. It starts a task of its own only to attach a session again. If the calling task is
/// cancelled, the call throws ``ClientError/Code/cancelled`` at once, and a queue task that was on its way to it goes
/// back into the queue.
public final class BeanrowClient: Sendable {
    let pool: ManagerPool
    let keyGenerator = Mutex(KeyGenerator())

    /// Creates a client.
    ///
    /// It connects at the first request.
    ///
    /// - Parameters:
    ///   - managers: the addresses of the managers. If there are none, every request fails.
    ///   - options: how the client behaves.
    public init(managers: [ManagerAddress], options: Options = Options()) {
        self.pool = ManagerPool(managers: managers, options: options)
    }

    /// Closes all connections, and returns when they are closed.
    ///
    /// Requests without an answer fail. The tasks that the client still claims go back into the queue at once, so first
    /// finish those that must not run again. A manager that does not answer is given a few seconds. Afterwards every
    /// request throws ``ClientError/Code/closed``.
    public func close() async {
        await pool.close()
    }
}
