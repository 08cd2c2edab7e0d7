internal import BeanstalkWire
internal import Synchronization
internal import TaskStore

/// What claims belong to: a session at the managers, and the connection that has it at the moment.
///
/// With managers that know the `session` command it has a name, and outlives its connection: ``connection()`` then takes
/// it up through a new one, at whichever manager. With others the connection is all there is.
final class ClaimSession: Sendable {
    private enum State {
        /// The last connection, which may be lost.
        case connected(ManagerConnection)

        /// It is being taken up again; whoever needs it waits for the same try.
        case resuming(Task<ManagerConnection, any Error>, after: ManagerConnection)

        /// Its claims are not ours any more.
        case over(ManagerConnection)
    }

    /// The name at the managers; none where the manager knows of no names.
    let name: SessionName?

    private let state: Mutex<State>

    init(name: SessionName?, connection: ManagerConnection) {
        self.name = name
        self.state = Mutex(.connected(connection))
    }

    /// The connection it has, or had last.
    var lastConnection: ManagerConnection {
        state.withLock { state in
            switch state {
            case .connected(let connection), .resuming(_, after: let connection), .over(let connection): connection
            }
        }
    }

    /// Whether its claims may still be ours.
    var isAlive: Bool {
        state.withLock { state in
            switch state {
            case .connected(let connection): name != nil || connection.isOpen
            case .resuming: true
            case .over: false
            }
        }
    }

    /// Its claims are given up, or somebody else's.
    func end() {
        state.withLock { state in
            switch state {
            case .connected(let connection), .resuming(_, after: let connection): state = .over(connection)
            case .over: break
            }
        }
    }

    /// It has a new connection.
    ///
    /// - Returns: false where it was ended meanwhile.
    func resumed(_ connection: ManagerConnection) -> Bool {
        state.withLock { state in
            if case .over = state { return false }
            state = .connected(connection)
            return true
        }
    }

    /// A connection that has the session, taken up again where it was lost.
    ///
    /// Taking it up is not given up where the task is cancelled, since the caller has something to report.
    ///
    /// - Parameters:
    ///   - losses: how often the caller has lost its connection before; from the second time on it waits a while first.
    ///   - pool: where to find a connection.
    /// - Returns: the connection; it may be lost at any moment.
    /// - Throws: ``ClientError``: ``ClientError/Code/claimLost`` where the session is over.
    func connection(afterLosses losses: Int, pool: ManagerPool) async throws(ClientError) -> ManagerConnection {
        let attempt = state.withLock { state -> Result<Task<ManagerConnection, any Error>, ClientError>? in
            switch state {
            case .connected(let connection):
                if connection.isOpen { return nil }
                guard name != nil else { return .failure(Self.isOver) }
                let attempt = Task {
                    do {
                        return try await pool.resume(self, afterLosses: losses).connection
                    } catch {
                        didNotResume()
                        throw error
                    }
                }
                state = .resuming(attempt, after: connection)
                return .success(attempt)
            case .resuming(let attempt, _):
                return .success(attempt)
            case .over:
                return .failure(Self.isOver)
            }
        }
        guard let attempt = try attempt?.get() else { return lastConnection }
        switch await attempt.result {
        case .success(let connection): return connection
        case .failure(let error): throw error as? ClientError ?? Self.isOver
        }
    }

    // The next call tries anew.
    private func didNotResume() {
        state.withLock { state in
            if case .resuming(_, after: let connection) = state { state = .connected(connection) }
        }
    }

    private static let isOver = ClientError(.claimLost, "the claim is gone")
}
