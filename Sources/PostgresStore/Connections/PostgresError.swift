package import TaskStore

/// An error of the connection or of the server.
package enum PostgresError: Error {
    /// The connection was lost or could not be made, or the server did not answer in time.
    case disconnected(String)

    /// The connection was lost before the answer to a commit, and the server could not be asked in time what became of it.
    case unresolved(String)

    /// The server refused a statement; the transaction is rolled back.
    case refused(state: String, message: String)

    /// What the store does about it.
    enum Meaning {
        /// Connect again, and try again.
        case reconnect

        /// Try again at once: two transactions wanted the same rows, and this one gave way.
        case retry

        /// Try again at once, and wait for no lock: another program has locked something.
        case locked

        /// Report that it is not known what has happened.
        case unknown

        /// The other managers consider this one dead.
        case leaseLost

        /// The disk is full.
        case full

        /// The server does not accept a value of one operation of the batch. This operation would fail again, the others would
        /// not.
        case content

        /// It would fail again.
        case failed
    }

    /// What the store does about it (PostgreSQL's errcodes: appendix A of its manual).
    var meaning: Meaning {
        switch self {
        case .disconnected: .reconnect
        case .unresolved: .unknown
        case .refused("BR001", _): .leaseLost
        case .refused("40001", _), .refused("40P01", _): .retry
        case .refused("55P03", _): .locked
        case .refused("53100", _): .full
        // The server shuts down, starts or is a standby now, or it has ended a statement or an idle transaction.
        case .refused("57P01", _), .refused("57P02", _), .refused("57P03", _), .refused("25006", _),
            .refused("25P03", _), .refused("57014", _), .refused("53300", _):
            .reconnect
        case .refused(let state, _) where state.hasPrefix("08"): .reconnect
        // Data exceptions, violated constraints, limits of the program.
        case .refused(let state, _) where ["22", "23", "54"].contains(state.prefix(2)): .content
        case .refused: .failed
        }
    }

    /// One line for the log.
    package var message: String {
        switch self {
        case .disconnected(let message), .unresolved(let message): message
        case .refused(let state, let message): "\(message) (\(state))"
        }
    }

    /// The error for the manager.
    package var storeError: StoreError {
        let code: StoreError.Code =
            switch meaning {
            case .full: .full
            case .unknown: .unknown
            case .content: .refused
            case .reconnect, .retry, .locked, .leaseLost, .failed: .failed
            }
        return StoreError(code, "PostgreSQL: \(message)")
    }
}
