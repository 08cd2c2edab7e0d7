import TaskStore

/// What can go wrong on the way to the server and there.
enum PostgresError: Error {
    /// The connection is gone, or could not be made, or the server did not answer in time.
    case disconnected(String)

    /// The connection went with the answer to a commit, and the server could not be asked in time what became of it.
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

        /// Say that nobody knows.
        case unknown

        /// Peers have taken this manager for dead.
        case leaseLost

        /// There is no room.
        case full

        /// One of the batch's operations says something that the server does not take: it would fail again, and the others
        /// would not.
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
        // The server goes down, starts up or is a standby now; a statement or an idle transaction was ended for it.
        case .refused("57P01", _), .refused("57P02", _), .refused("57P03", _), .refused("25006", _),
            .refused("25P03", _), .refused("57014", _), .refused("53300", _):
            .reconnect
        case .refused(let state, _) where state.hasPrefix("08"): .reconnect
        // Data exceptions, violated constraints, limits of the program.
        case .refused(let state, _) where ["22", "23", "54"].contains(state.prefix(2)): .content
        case .refused: .failed
        }
    }

    /// One line for a person.
    var message: String {
        switch self {
        case .disconnected(let message), .unresolved(let message): message
        case .refused(let state, let message): "\(message) (\(state))"
        }
    }

    /// As the manager hears of it.
    var storeError: StoreError {
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
