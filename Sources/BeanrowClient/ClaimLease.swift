internal import BeanstalkWire
internal import Synchronization
internal import TaskStore

/// The session that some claims belong to, kept from other uses until the last of them is finished.
///
/// When nobody has the claims any more and some are not finished, the session is given up, and with that the manager
/// puts their tasks back into the queue.
final class ClaimLease: Sendable {
    let session: ClaimSession
    let pool: ManagerPool
    private let unfinished: Mutex<Set<TaskID>>

    init(session: ClaimSession, pool: ManagerPool, claimed: some Sequence<TaskID>) {
        self.session = session
        self.pool = pool
        self.unfinished = Mutex(Set(claimed))
        pool.leased(session)
    }

    deinit {
        if unfinished.withLock({ !$0.isEmpty }) {
            pool.giveUp(session)
        }
    }

    /// Whether the task is still ours, as far as is known here.
    func holds(_ id: TaskID) -> Bool {
        session.isAlive && unfinished.withLock { $0.contains(id) }
    }

    /// The task is not ours any more.
    func finished(_ id: TaskID) {
        let wasLast = unfinished.withLock { $0.remove(id) != nil && $0.isEmpty }
        if wasLast {
            pool.giveBack(session)
        }
    }

    /// Somebody else has taken up the session, and all claims with it.
    func wasTaken() {
        unfinished.withLock { $0.removeAll() }
        pool.wasTaken(session)
    }
}
