internal import BeanstalkWire
internal import Synchronization
internal import TaskStore

/// A session at the managers, which claims belong to, and the connection that it is attached to.
///
/// If the manager knows the `session` command, the session has a name and outlives its connection:
/// ``connection(afterLosses:pool:)`` attaches it through a new connection, at any manager. Otherwise it ends with its
/// connection.
final class ClaimSession: Sendable {
    private enum State {
        /// Attached to this connection, which may be lost.
        case connected(ManagerConnection)

        /// A new connection is being attached. All callers wait for the same task.
        case attaching(Task<ManagerConnection, any Error>, after: ManagerConnection)

        /// Ended: this client has none of its claims any more.
        case over(ManagerConnection)
    }

    /// The name of the session, or `nil` if the manager does not know the `session` command.
    let name: SessionName?

    private let state: Mutex<State>

    init(name: SessionName?, connection: ManagerConnection) {
        self.name = name
        self.state = Mutex(.connected(connection))
    }

    /// The connection that it is attached to, or was attached to last.
    var lastConnection: ManagerConnection {
        state.withLock { state in
            switch state {
            case .connected(let connection), .attaching(_, after: let connection), .over(let connection): connection
            }
        }
    }

    /// Whether this client may still have its claims.
    var isAlive: Bool {
        state.withLock { state in
            switch state {
            case .connected(let connection): name != nil || connection.isOpen
            case .attaching: true
            case .over: false
            }
        }
    }

    /// Ends the session in this client: its claims are released, or another connection has them.
    func end() {
        state.withLock { state in
            switch state {
            case .connected(let connection), .attaching(_, after: let connection): state = .over(connection)
            case .over: break
            }
        }
    }

    /// Records the new connection that the session is attached to.
    ///
    /// - Returns: `false` if the session has ended before.
    func attached(_ connection: ManagerConnection) -> Bool {
        state.withLock { state in
            if case .over = state { return false }
            state = .connected(connection)
            return true
        }
    }

    /// Returns the connection of the session, and attaches a new one if the last one is lost.
    ///
    /// Cancelling the caller's task does not stop this, since the caller has an outcome to report.
    ///
    /// - Parameters:
    ///   - losses: the number of connections that the caller has lost before. From the second one on there is a delay.
    ///   - pool: makes the connection.
    /// - Returns: the connection, which may be lost at any moment.
    /// - Throws: ``ClientError``, with ``ClientError/Code/claimLost`` if the session has ended.
    func connection(afterLosses losses: Int, pool: ManagerPool) async throws(ClientError) -> ManagerConnection {
        let attempt = state.withLock { state -> Result<Task<ManagerConnection, any Error>, ClientError>? in
            switch state {
            case .connected(let connection):
                if connection.isOpen { return nil }
                guard name != nil else { return .failure(Self.isOver) }
                let attempt = Task {
                    do {
                        return try await pool.reattach(self, afterLosses: losses).connection
                    } catch {
                        attachFailed()
                        throw error
                    }
                }
                state = .attaching(attempt, after: connection)
                return .success(attempt)
            case .attaching(let attempt, _):
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

    // The next call starts another attempt.
    private func attachFailed() {
        state.withLock { state in
            if case .attaching(_, after: let connection) = state { state = .connected(connection) }
        }
    }

    private static let isOver = ClientError(.claimLost, "the claim has ended")
}
