internal import BeanstalkWire
internal import Synchronization
internal import TaskStore

/// The connection that some claims came through, kept from other uses until the last of them is finished.
///
/// When nobody has the claims any more and some are not finished, the connection is closed, and with that the manager
/// puts their tasks back into the queue.
final class ClaimLease: Sendable {
    let connection: ManagerConnection
    private let pool: ManagerPool
    private let unfinished: Mutex<Set<TaskID>>

    init(connection: ManagerConnection, pool: ManagerPool, claimed: some Sequence<TaskID>) {
        self.connection = connection
        self.pool = pool
        self.unfinished = Mutex(Set(claimed))
    }

    deinit {
        if unfinished.withLock({ !$0.isEmpty }) {
            connection.close(ClientError(.closed, "the claim was dropped", address: connection.address))
        }
    }

    /// Whether the task is still ours, as far as is known here.
    func holds(_ id: TaskID) -> Bool {
        connection.isOpen && unfinished.withLock { $0.contains(id) }
    }

    /// The task is not ours any more.
    func finished(_ id: TaskID) {
        let wasLast = unfinished.withLock { $0.remove(id) != nil && $0.isEmpty }
        if wasLast {
            pool.giveBack(connection)
        }
    }
}
