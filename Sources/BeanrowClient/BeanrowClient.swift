internal import Synchronization

/// A client of several task managers that share one store.
///
/// Any manager can do anything, so the client uses one that answers and moves to another when it dies. Connections are
/// made when they are needed and kept. What a request needs of its connection, such as the tube to put into, is said
/// with the request; a new connection is set up by itself.
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
/// - A put is repeated until it is known that the task is there, and it is there once: each put carries a key of its own.
///   Only where no manager can be reached any more, or with a server that takes no keys, such as beanstalkd itself, is a
///   put whose answer was lost reported as ``ClientError/Code/putOutcomeUnknown``.
/// - Requests that only read are repeated at another manager.
/// - A claim belongs to a session that outlives its connection: see ``Claim``.
///
/// ### Tasks and threads
/// A client can be used from any number of tasks at once. It runs on SwiftNIO's event loops and never blocks a thread of
/// the concurrency pool. The only tasks it starts take a session up again, for all who wait for that. A cancelled task
/// gets ``ClientError/Code/cancelled`` at once; a task that was on its way to it goes back into the queue.
public final class BeanrowClient: Sendable {
    let pool: ManagerPool
    let keyMaker = Mutex(KeyMaker())

    /// Makes a client; nothing is connected yet.
    ///
    /// - Parameters:
    ///   - managers: where the managers are; at least one, or every request fails.
    ///   - options: how to behave.
    public init(managers: [ManagerAddress], options: Options = Options()) {
        self.pool = ManagerPool(managers: managers, options: options)
    }

    /// Closes all connections and returns when they are closed.
    ///
    /// Requests that are not answered fail. Tasks that the client still holds go back into the queue at once: finish
    /// first what shall not run again. A manager that does not answer is waited for some seconds, no longer. The client is
    /// of no use afterwards.
    public func close() async {
        await pool.close()
    }
}
