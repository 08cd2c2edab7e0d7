internal import Logging
internal import NIOCore
internal import TaskStore

/// The last step of a turn: writing its answers.
extension Engine {
    /// The most renewals of the claims in answers.
    ///
    /// If each of them was too slow, the store cannot renew claims.
    private static let mostRenewals = 50

    /// Writes the answers of sessions.
    ///
    /// The process may be stopped between two writes for longer than a claim lasts, and then a peer hands the task out
    /// again. So the clock is read before each answer with a claim, and claims that are too old are renewed first.
    func send(_ sessions: ArraySlice<Session>) {
        var renewals = 0
        var rest = sessions
        while let session = rest.first {
            if session.repliesTellOfClaims, ContinuousClock.now - claimsAreFrom > configuration.claimTolerance {
                renewals += 1
                guard renewals <= Self.mostRenewals else { return abort(rest) }
                guard let renewed = renewClaims(of: rest) else { return }
                rest = renewed
                continue
            }
            session.connection?.sendReplies()
            rest.removeFirst()
        }
    }

    private func abort(_ sessions: ArraySlice<Session>) {
        for session in sessions { session.connection?.abort() }
    }

    /// Tries again to renew the claims in answers, and writes the answers.
    func renewClaims(inAnswersOf sessions: ArraySlice<Session>) {
        guard let renewed = renewClaims(of: sessions) else { return }
        send(renewed)
        if table.hasWork { scheduleTurn() }
        armWakeUp()
    }

    /// Renews the claims in the answers of sessions.
    ///
    /// The connection of a session that has lost a claim is closed: its later answers may depend on the claim.
    ///
    /// - Returns: the sessions whose answers can leave; `nil` if that is decided later.
    private func renewClaims(of sessions: ArraySlice<Session>) -> ArraySlice<Session>? {
        var renewed = sessions
        do {
            let told = sessions.flatMap { session in session.claimsInReplies.map { (session, $0) } }
            let renewals = told.map { Operation(session: $0.id, action: .touch($1)) }
            let moment = clock.now()
            let result = try store.run(Batch(renewals, now: moment.timestamp))
            note(result)
            claimsAreFrom = result.timeRead
            for ((session, task), outcome) in zip(told, result.outcomes) {
                guard outcome == .touched else {
                    session.connection?.abort()
                    renewed.removeAll { $0 === session }
                    continue
                }
                session.claims.extend(task, from: moment.instant)
            }
        } catch let error where error.code == .busy {
            stall(.answers(sessions), error)
            return nil
        } catch let error where error.code == .lost {
            giveUp(error)
            return nil
        } catch {
            log("claims cannot be renewed; their connections are closed", error)
            abort(sessions)
            renewed = []
        }
        stalled = nil
        return renewed
    }
}
