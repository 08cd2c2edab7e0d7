internal import BeanstalkWire
internal import TaskStore

/// Answers to a batch whose claims had to be renewed, or could not be.
extension OutcomeReplies {
    /// Turns the outcomes of a batch into answers; see ``apply(_:late:of:to:at:)``.
    mutating func applyLate(
        _ outcomes: [Outcome],
        _ late: LateClaims,
        of batch: inout BuiltBatch,
        to sessions: inout SessionRegistry,
        at now: Moment
    ) {
        var hungUp: Set<SessionID> = []
        var next = 0
        for index in batch.entries.indices {
            let entry = batch.entries[index]
            let operation = entry.hasOperation ? next : nil
            if operation != nil { next += 1 }
            if let operation, late.uncertain.contains(operation) {
                // Its claims are released with the connection.
                sessions.hangUp(entry.session)
                hungUp.insert(entry.session.id)
            }
            // The client would take an answer behind an unanswered command for the answer to that command.
            if hungUp.contains(entry.session.id) { continue }
            guard let operation else {
                applyKnown(entry, of: &batch, to: &sessions)
                continue
            }
            if let lost = late.lost[operation], case .reserve(let timeout, let count, let waits) = entry.kind {
                let reserve = Reserve(command: Command(reserveFor: timeout), count: count, waits: waits)
                applyLostReserve(outcomes[operation], reserve, lost: lost, index, batch, &sessions, at: now)
            } else {
                apply(outcomes[operation], of: operation, to: entry, of: &batch, &sessions, at: now)
            }
        }
        // A lost task may be there again, for the same session or for another one that waits.
        if !late.lost.isEmpty { sessions.waiters.wakeAll() }
    }

    /// Answers `reserve` commands of which some got a task whose claim has ended before the answer.
    ///
    /// Such a command is tried again, or answered with an error if later commands of the session have been carried out.
    private mutating func applyLostReserve(
        _ outcome: Outcome,
        _ reserve: Reserve,
        lost: Int,
        _ index: Int,
        _ batch: borrowing BuiltBatch,
        _ sessions: inout SessionRegistry,
        at now: Moment
    ) {
        let session = batch.entries[index].session
        guard outcome != .superseded else {
            return applyReserve(outcome, reserve, session, batch, &sessions, at: now)
        }
        var kept = reserve
        kept.count -= lost
        if kept.count > 0 { applyReserve(outcome, kept, session, batch, &sessions, at: now) }
        let isLast = !batch.entries[(index + 1)...].contains { $0.session === session }
        for _ in 0..<lost {
            if isLast {
                deferred.append((session, .command(reserve.command)))
            } else {
                sessions.counters[reserve.command.verb] += 1
                sessions.reply(.internalError, to: session)
            }
        }
    }
}
