internal import BeanstalkWire
internal import Synchronization
internal import TaskStore

/// The claims of one reserve, which share a session.
///
/// No other reserve uses the session until all of them are finished.
///
/// If the last reference to the claims is gone and some are not finished, the manager puts their tasks back into the
/// queue.
final class ClaimGroup: Sendable {
    let session: ClaimSession
    let pool: ManagerPool
    private let unfinished: Mutex<Set<TaskID>>

    init(session: ClaimSession, pool: ManagerPool, claimed: some Sequence<TaskID>) {
        self.session = session
        self.pool = pool
        self.unfinished = Mutex(Set(claimed))
        pool.noteInUse(session)
    }

    deinit {
        if unfinished.withLock({ !$0.isEmpty }) {
            pool.releaseClaims(session)
        }
    }

    /// Returns whether this client still claims the task, as far as it knows.
    func holds(_ id: TaskID) -> Bool {
        session.isAlive && unfinished.withLock { $0.contains(id) }
    }

    /// Records that this client does not claim the task any more.
    func finished(_ id: TaskID) {
        let wasLast = unfinished.withLock { $0.remove(id) != nil && $0.isEmpty }
        if wasLast {
            pool.returnToPool(session)
        }
    }

    /// Records that another connection has attached the session, and has all of its claims.
    func wasAttachedElsewhere() {
        unfinished.withLock { $0.removeAll() }
        pool.wasAttachedElsewhere(session)
    }
}
