internal import BeanstalkWire
internal import Logging
internal import TaskStore

extension ManagerPool {
    /// A session at a manager that holds nothing and that nobody else uses, to be given back or up afterwards.
    ///
    /// - Throws: ``ClientError``: ``ClientError/Code/notConnected`` where another manager may be tried.
    func session(_ index: Int) async throws(ClientError) -> ClaimSession {
        if let idle = try takeIdle(index) { return idle }
        let connection = try await newConnection(index)
        guard options.claimsOutliveConnections else { return ClaimSession(name: nil, connection: connection) }
        let name = RandomName.session()
        do throws(ClientError) {
            let reply = try await connection.send([.session(name)]).endingUnlessCancelled().reply(at: 0)
            if case .session = reply { return ClaimSession(name: name, connection: connection) }
            // Another server, or one that can write nothing down at the moment: it can still hand out tasks.
            options.logger.debug("no named session", metadata: ["manager": "\(connection.address)"])
            return ClaimSession(name: nil, connection: connection)
        } catch {
            connection.leave(error)
            throw error.code == .cancelled ? error : ClientError(.notConnected, error.message, address: error.address)
        }
    }

    /// Takes a session up again, through whichever manager can be reached, for as long as the options' patience lasts.
    ///
    /// - Parameters:
    ///   - session: what to take up; it has a name and its connection is lost.
    ///   - losses: how many connections were lost for the same purpose; from the second on it waits a while first.
    /// - Returns: the connection that has it now, and how many claims it holds.
    /// - Throws: ``ClientError``
    func resume(
        _ session: ClaimSession,
        afterLosses losses: Int
    ) async throws(ClientError) -> (connection: ManagerConnection, claims: Int) {
        guard let name = session.name else { throw ClientError(.claimLost, "the session has no name") }
        if losses > 1 {
            let random = Double(options.randomNumber(1000)) / 1000
            try await wait(options.retryDelay.duration(before: losses - 2, random: random))
        }
        return try await withManagers { index in
            do throws(ClientError) {
                let connection = try await newConnection(index)
                return await takeUp(name, for: session, over: connection)
            } catch {
                return .withoutConnection(error)
            }
        }
    }

    private func takeUp(
        _ name: SessionName,
        for session: ClaimSession,
        over connection: ManagerConnection
    ) async -> Attempt<(connection: ManagerConnection, claims: Int)> {
        do throws(ClientError) {
            let reply = try await connection.send([.session(name)]).endingUnlessCancelled().reply(at: 0)
            guard case .session(let claims) = reply else {
                connection.close(Self.closedError)
                return .elsewhere(reply.refusal ?? ClientError(.protocolViolation, "unexpected answer to session"))
            }
            guard session.resumed(connection) else {
                connection.leave(Self.closedError)
                return .failed(ClientError(.claimLost, "the claim is gone"))
            }
            options.logger.debug("took a session up again", metadata: ["manager": "\(connection.address)"])
            return .done((connection, claims))
        } catch {
            connection.close(error)
            return error.code == .cancelled || error.code == .closed ? .failed(error) : .elsewhere(error)
        }
    }

    /// Takes a session back that holds nothing and waits for nothing.
    func giveBack(_ session: ClaimSession) {
        unleased(session)
        if session.isAlive { keepIdle(session) }
    }

    /// Has the manager put back into the queue what a session holds.
    func giveUp(_ session: ClaimSession) {
        unleased(session)
        guard session.isAlive else { return }
        session.end()
        let connection = session.lastConnection
        if session.name == nil {
            connection.close(ClientError(.closed, "the claim was dropped", address: connection.address))
        } else if connection.isOpen {
            connection.leave(ClientError(.closed, "the claim was dropped", address: connection.address))
        } else {
            sayFarewell(session)
        }
    }

    /// Gives up a session whose claims somebody else has.
    func wasTaken(_ session: ClaimSession) {
        unleased(session)
        session.end()
        let connection = session.lastConnection
        connection.close(ClientError(.sessionTaken, "the session was taken up elsewhere", address: connection.address))
    }
}
