internal import BeanstalkWire
internal import TaskStore

/// Answers to a batch whose claims had to be renewed, or could not be.
extension SessionTable {
    /// Turns the outcomes of the last batch into answers; see ``apply(_:late:at:process:)``.
    mutating func applyLate(
        _ outcomes: [Outcome],
        _ late: LateClaims,
        at now: Moment,
        _ heldBack: inout [(session: Session, request: Request)],
        _ process: (SessionTable) -> ProcessStatistics
    ) {
        var hungUp: Set<SessionID> = []
        var next = 0
        for index in steps.indices {
            let step = steps[index]
            let operation = step.hasOperation ? next : nil
            if operation != nil { next += 1 }
            if let operation, late.uncertain.contains(operation) {
                // Its claims are given back with the connection.
                hangUp(step.session)
                hungUp.insert(step.session.id)
            }
            // The client would take an answer behind an unanswered command for the answer to that command.
            if hungUp.contains(step.session.id) { continue }
            guard let operation else {
                applyKnown(step)
                continue
            }
            if let lost = late.lost[operation], case .reserve(let timeout, let count, let waits) = step.kind {
                let command = Command(reserveFor: timeout)
                applyLostReserve(outcomes[operation], command, (count, lost, waits), index, at: now, &heldBack)
            } else {
                apply(outcomes[operation], of: operation, to: step, at: now, &heldBack, process)
            }
        }
        // A lost task may be there again, for the same session or for another one that waits.
        if !late.lost.isEmpty { wakeWaiting() }
    }

    /// Answers `reserve` commands of which some got a task whose claim has ended before the answer.
    ///
    /// Such a command is tried again, or answered with an error if later commands of the session have been carried out.
    private mutating func applyLostReserve(
        _ outcome: Outcome,
        _ command: Command,
        _ reserve: (count: Int, lost: Int, waits: Bool),
        _ index: Int,
        at now: Moment,
        _ heldBack: inout [(session: Session, request: Request)]
    ) {
        let session = steps[index].session
        guard outcome != .displaced else {
            return applyReserve(
                outcome,
                command,
                count: reserve.count,
                waits: reserve.waits,
                session,
                at: now,
                &heldBack
            )
        }
        let kept = reserve.count - reserve.lost
        if kept > 0 {
            applyReserve(outcome, command, count: kept, waits: reserve.waits, session, at: now, &heldBack)
        }
        let isLast = !steps[(index + 1)...].contains { $0.session === session }
        for _ in 0..<reserve.lost {
            if isLast {
                heldBack.append((session, .command(command)))
            } else {
                counters[command.verb] += 1
                reply(.internalError, to: session)
            }
        }
    }
}
