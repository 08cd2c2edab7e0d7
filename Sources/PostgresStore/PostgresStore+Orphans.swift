import TaskStore

/// Transactions that were left unfinished on the server by connections that were given up.
///
/// If a link is cut, or a server answers too late, the manager gives the connection up. The session on the server may
/// continue, with a transaction that holds locks. The server's own timeouts are no protection: they do not run while a
/// batch has arrived in part, and they last longer if the server's clock is set back. So each session of a manager holds
/// an advisory lock with the manager's number, by which the other sessions find it and end it.
extension PostgresStore {
    /// Ends the other sessions of this manager, and takes the lock by which later ones find this one.
    ///
    /// - Parameters:
    ///   - connection: the new connection.
    ///   - deadline: when waiting for the server ends.
    /// - Throws: ``PostgresError`` if the connection is lost.
    func replaceSessions(
        by connection: PostgresConnection,
        until deadline: ContinuousClock.Instant
    ) throws(PostgresError) {
        // A manager that gets another number does not hold the old one again: others end the sessions that do.
        guard manager.rawValue > 0, !mustReenter else { return }
        if options.endsOrphans { try endSessions(of: manager.rawValue, connection, until: deadline) }
        try connection.run([numbered(.holdNumber)], until: deadline)
    }

    /// Ends the sessions of a dead manager, whose transactions may have locked its tasks and its row.
    ///
    /// A manager that shows a sign of life after all keeps its sessions. If it loses them in the moment between, it connects
    /// again.
    func endSessions(
        of dead: FailureDetector.ExpiredManager,
        _ connection: PostgresConnection,
        until deadline: ContinuousClock.Instant
    ) throws(PostgresError) {
        guard options.endsOrphans else { return }
        try endSessions(of: dead.manager, pulse: dead.pulse, connection, until: deadline)
    }

    private func endSessions(
        of manager: Int64,
        pulse: Int64? = nil,
        _ connection: PostgresConnection,
        until deadline: ContinuousClock.Instant
    ) throws(PostgresError) {
        var parameters = Parameters()
        parameters.add(manager)
        parameters.add(pulse)
        do {
            try connection.run([PostgresConnection.Request(.endSessions, parameters)], until: deadline)
        } catch {
            // If the server does not allow it, its keepalives end the session.
            if connection.isBroken { throw error }
        }
    }

    private func numbered(_ statement: Statement) -> PostgresConnection.Request {
        var parameters = Parameters()
        parameters.add(manager.rawValue)
        return PostgresConnection.Request(statement, parameters)
    }
}
