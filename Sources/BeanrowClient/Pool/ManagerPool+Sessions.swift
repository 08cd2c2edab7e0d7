internal import BeanstalkWire
internal import Logging
internal import Synchronization
internal import TaskStore

extension ManagerPool {
    /// Returns a session at a manager that has no claims and no other user.
    ///
    /// Afterwards call ``returnToPool(_:)`` or ``releaseClaims(_:)``.
    ///
    /// - Throws: ``ClientError``, with ``ClientError/Code/notConnected`` if another manager may be tried.
    func session(_ index: Int) async throws(ClientError) -> ClaimSession {
        if let idle = try takeIdle(index) { return idle }
        let connection = try await newConnection(index)
        guard options.claimsOutliveConnections else { return ClaimSession(name: nil, connection: connection) }
        let name = RandomName.session()
        do throws(ClientError) {
            let reply = try await connection.send([.session(name)]).resultUnlessCancelled().reply(at: 0)
            if case .session = reply { return ClaimSession(name: name, connection: connection) }
            if reply == .unauthorized || reply == .forbidden, let refusal = reply.refusal { throw refusal }
            // Another server, or a manager that cannot write at the moment. It can still hand out tasks.
            options.logger.debug("no named session", metadata: ["manager": "\(connection.address)"])
            return ClaimSession(name: nil, connection: connection)
        } catch {
            connection.quit(error)
            let isFinal = error.code == .cancelled || error.code == .forbidden || error.code == .unauthorized
            throw isFinal ? error : ClientError(.notConnected, error.message, address: error.address)
        }
    }

    /// Attaches a session through a new connection to any manager, until ``BeanrowClient/Options/failoverTimeout``.
    ///
    /// - Parameters:
    ///   - session: the session, which has a name and whose connection is lost.
    ///   - losses: the number of connections that the caller has lost. From the second one on there is a delay.
    /// - Returns: the connection, and the number of claims that the session has.
    /// - Throws: ``ClientError``
    func reattach(
        _ session: ClaimSession,
        afterLosses losses: Int
    ) async throws(ClientError) -> (connection: ManagerConnection, claims: Int) {
        guard let name = session.name else { throw ClientError(.claimLost, "the session has no name") }
        if losses > 1 {
            try await wait(retryDelay(before: losses - 2))
        }
        return try await withManagers { index in
            do throws(ClientError) {
                let connection = try await newConnection(index)
                return await attach(name, of: session, over: connection)
            } catch {
                return .withoutConnection(error)
            }
        }
    }

    private func attach(
        _ name: SessionName,
        of session: ClaimSession,
        over connection: ManagerConnection
    ) async -> AttemptResult<(connection: ManagerConnection, claims: Int)> {
        do throws(ClientError) {
            let reply = try await connection.send([.session(name)]).resultUnlessCancelled().reply(at: 0)
            guard case .session(let claims) = reply else {
                connection.close(Self.closedError)
                return .tryNext(reply.refusal ?? ClientError(.protocolViolation, "unexpected answer to session"))
            }
            guard session.attached(connection) else {
                connection.quit(Self.closedError)
                return .failed(ClientError(.claimLost, "the claim has ended"))
            }
            options.logger.debug("attached a session again", metadata: ["manager": "\(connection.address)"])
            return .done((connection, claims))
        } catch {
            connection.close(error)
            return error.code == .cancelled || error.code == .closed ? .failed(error) : .tryNext(error)
        }
    }

    /// Records that a session has claims.
    func noteInUse(_ session: ClaimSession) {
        state.withLock { $0.inUse[ObjectIdentifier(session)] = session }
    }

    /// Keeps a session without claims for the next reserve at its manager.
    func returnToPool(_ session: ClaimSession) {
        noteUnused(session)
        if session.isAlive { keepIdle(session) }
    }

    /// Ends a session and releases its claims.
    func releaseClaims(_ session: ClaimSession) {
        noteUnused(session)
        guard session.isAlive else { return }
        session.end()
        let connection = session.lastConnection
        if session.name == nil {
            connection.close(ClientError(.closed, "the claim was dropped", address: connection.address))
        } else if connection.isOpen {
            connection.quit(ClientError(.closed, "the claim was dropped", address: connection.address))
        } else {
            startReleasingThroughAnyManager(session)
        }
    }

    /// Ends a session that another connection has attached.
    func wasAttachedElsewhere(_ session: ClaimSession) {
        noteUnused(session)
        session.end()
        let connection = session.lastConnection
        let message = "another connection attached the session"
        connection.close(ClientError(.sessionTaken, message, address: connection.address))
    }

    private func noteUnused(_ session: ClaimSession) {
        state.withLock { $0.inUse[ObjectIdentifier(session)] = nil }
    }

    private func takeIdle(_ index: Int) throws(ClientError) -> ClaimSession? {
        try state.withLock { state -> Result<ClaimSession?, ClientError> in
            state.isClosed ? .failure(Self.closedError) : .success(state.managers[index].takeIdle())
        }
        .get()
    }

    private func keepIdle(_ session: ClaimSession) {
        let connection = session.lastConnection
        state.withLock { state in
            guard !state.isClosed, connection.isOpen else { return }
            if let index = state.managers.firstIndex(where: { $0.address == connection.address }) {
                state.managers[index].idle.append(session)
            }
        }
    }
}
