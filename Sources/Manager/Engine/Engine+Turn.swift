internal import BeanstalkWire
internal import Logging
internal import NIOCore
internal import TaskStore

/// A turn, from the batch to the answers.
extension Engine {
    /// Schedules a turn for the end of the event loop's pass over its sockets.
    func scheduleTurn() {
        guard phase != .ended else { return }
        guard !isInTurn else {
            isTurnWanted = true
            return
        }
        guard !isTurnScheduled else { return }
        isTurnScheduled = true
        nextTurn?.cancel()
        nextTurn = nil
        if hasFailed {
            eventLoop.assumeIsolated().scheduleTask(in: Self.pauseAfterFailure) { self.turn() }
        } else {
            eventLoop.assumeIsolated().execute { self.turn() }
        }
    }

    /// Long enough to leave the processor idle while a disk is full, and short enough that clients do not notice.
    private static let pauseAfterFailure = TimeAmount.milliseconds(50)

    /// Long enough for the event loop to read its sockets; bytes that it finds there begin the turn at once.
    private static let timeForSockets = TimeAmount.milliseconds(1)

    /// Schedules a turn for after the event loop has read its sockets, which it does only if it has nothing to execute.
    ///
    /// If the time is over before the loop looks for its next work, it does not read its sockets. That happens on a
    /// busy machine. Then the turn comes late, and waits again for a longer time.
    private func takeTurnAfterSockets(attempt: Int64 = 0) {
        let due = eventLoop.now + Self.timeForSockets * (Int64(1) << attempt)
        nextTurn = eventLoop.assumeIsolated()
            .scheduleTask(deadline: due) {
                let isLate = self.eventLoop.now - due > .microseconds(250)
                if isLate, attempt < 3 { self.takeTurnAfterSockets(attempt: attempt + 1) } else { self.scheduleTurn() }
            }
    }

    private func turn() {
        isTurnScheduled = false
        guard phase != .ended, stalled == nil, !isLingering() else { return }
        lookForAllWaiting()
        boundBatch()
        if hasNewAccess { applyNewAccess() }
        let moment = clock.now()
        let operations = table.makeBatch(at: moment)
        inTurn { carryOut(operations, at: moment) }
    }

    /// Returns whether the turn waits for clients that will soon send; then it is tried again.
    private func isLingering() -> Bool {
        guard phase == .running, !table.isUrgent,
            let left = linger.wait(ready: table.sessions.ready.count, at: .now)
        else { return false }
        nextTurn?.cancel()
        nextTurn = eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(left)) { self.scheduleTurn() }
        return true
    }

    /// Does a turn's work, and schedules another turn if there is more to do.
    private func inTurn(_ work: () -> Void) {
        isInTurn = true
        work()
        isInTurn = false
        guard isTurnWanted else { return }
        isTurnWanted = false
        guard table.isTruncated, !hasFailed else { return scheduleTurn() }
        // Clients that do not send ahead shall have their share of the next batch too.
        takeTurnAfterSockets()
    }

    private func carryOut(_ operations: [Operation], at moment: Moment) {
        let start = ContinuousClock.now
        do {
            var outcomes: [Outcome] = []
            moreToClaim = []
            if !operations.isEmpty || mustLookForEvents || isEventDue(at: moment) {
                mustLookForEvents = false
                let result = try runBatch(operations, at: moment)
                if result.needsDurability { try store.makeDurable() }
                if result.noRoom != nil || !refusals.isEmpty { noteRoom(after: result) }
                outcomes = result.outcomes
                nextEvent = result.nextEvent
                moreToClaim = hear(result)
                if result.hasLostClaims { loseClaims() }
                claimsAreFrom = result.timeRead
                let tolerance = configuration.claimTolerance
                if ContinuousClock.now - result.timeRead > tolerance {
                    let claims = LateClaims(operations, outcomes, since: result.timeRead, tolerance: tolerance)
                    return renew(claims, outcomes, start: start)
                }
            }
            stalled = nil
            hasFailed = false
            table.apply(outcomes, at: clock.now(), moreToClaim: moreToClaim)
        } catch {
            guard handle(error, operations, at: moment) else { return }
        }
        finishTurn(start: start)
    }

    /// Renews claims whose time in the store is not fresh any more, and then answers.
    ///
    /// A client has its whole time to run from the answer on. A task whose claim has ended since was never handed out.
    private func renew(_ late: LateClaims, _ outcomes: [Outcome], start: ContinuousClock.Instant) {
        var late = late
        var outcomes = outcomes
        do {
            while late.areLate(at: .now) {
                // The task is claimed already, and the batch with that claim is durable. If a power failure undoes the
                // renewal, the claim of a named session starts again when the machine starts.
                let result = try store.run(Batch(late.renewals, now: clock.now().timestamp))
                if result.hasLostClaims { loseClaims() }
                let more = hear(result)
                moreToClaim = moreToClaim.flatMap { known in more.map { known + $0 } }
                nextEvent = result.nextEvent
                late.note(result.outcomes, since: result.timeRead, in: &outcomes)
                claimsAreFrom = result.timeRead
                if late.isLocked { return stall(.renewal(late, outcomes, start: start)) }
            }
        } catch let error where error.code == .busy {
            return stall(.renewal(late, outcomes, start: start), error)
        } catch let error where error.code == .lost {
            giveUp(error)
            return
        } catch {
            if let times = failures.note(error.message) {
                logger.error(
                    "claims cannot be renewed; their connections are closed",
                    metadata: ["reason": "\(error)", "times": "\(times)"]
                )
            }
            late.giveUp()
        }
        stalled = nil
        hasFailed = false
        table.apply(outcomes, late: late, at: clock.now(), moreToClaim: moreToClaim)
        finishTurn(start: start)
    }

    /// Writes answers and prepares the next turn.
    private func finishTurn(start: ContinuousClock.Instant) {
        follow(polling.waiting(table.sessions.waiters.count))
        if let lane { lane.board.publish(&table, memory, of: lane.number) }
        for tube in table.sessions.waiters.takeAbandoned() { store.unsubscribe(from: tube) }
        for session in table.sessions.takeRelieved() { session.connection?.updateMemory() }
        logAudit()
        let answered = table.sessions.takeAnswered()
        let end = ContinuousClock.now
        send(answered[...])
        linger.answered(answered.count, at: end, after: end - start)
        turnTimes.note(end - start)
        resumeReading()
        answerQuestions()
        if table.hasWork { scheduleTurn() }
        armWakeUp()
        if phase == .stopping { endIfDone() }
    }

    /// Runs a batch.
    ///
    /// It is run in parts if the store refuses one of its operations, so that the others do not fail. An inspection is
    /// run alone, so that it does not hold the lock of the writers.
    private func runBatch(_ operations: [Operation], at moment: Moment) throws(StoreError) -> BatchResult {
        let batch = Batch(operations, now: moment.timestamp)
        if table.builder.batch.inspects {
            store.publish(figures)
            if operations.count > 1 { return try runParts(of: batch) { $0.action.query != nil } }
        }
        do {
            return try store.run(batch)
        } catch {
            guard error.code == .refused, !operations.isEmpty else { throw error }
            var parts = parts(of: batch)
            let result = try parts.carryOut(after: error)
            for refusal in parts.refusals { log("the database refused a command", refusal) }
            return result
        }
    }

    /// Runs some operations of a batch alone.
    private func runParts(
        of batch: Batch,
        alone isAlone: (Operation) -> Bool
    ) throws(StoreError) -> BatchResult {
        var parts = parts(of: batch)
        let result = try parts.carryOut(alone: isAlone)
        for refusal in parts.refusals { log("the database refused a command", refusal) }
        return result
    }

    private func parts(of batch: Batch) -> SplitBatch {
        SplitBatch(batch) { [store] part throws(StoreError) in try store.run(part) }
    }

    func log(_ what: String, _ error: StoreError) {
        guard let times = failures.note(error.message) else { return }
        logger.error("\(what)", metadata: ["reason": "\(error)", "times": "\(times)"])
    }

    private func isEventDue(at moment: Moment) -> Bool {
        guard let nextEvent else { return false }
        return nextEvent <= moment.timestamp
    }

    /// Handles a failed batch.
    ///
    /// - Returns: whether the batch is over and has been answered.
    func handle(_ error: StoreError, _ operations: [Operation], at moment: Moment) -> Bool {
        switch error.code {
        case .busy:
            stall(.batch(operations, moment), error)
            return false
        case .full:
            noteNoRoom(error, for: operations.count)
            return fail(nil, error, with: .outOfMemory, at: moment)
        case .failed, .refused:
            return fail("a batch failed", error, with: .internalError, at: moment)
        case .unknown:
            return fail("clients are left without an answer", error, with: nil, at: moment)
        case .lost, .unusable, .inUse, .acknowledgedTasksGone:
            giveUp(error)
            return false
        }
    }

    /// Answers a batch that failed and changed nothing.
    ///
    /// If it is not known whether it did, the clients get no answer.
    ///
    /// - Returns: whether the batch is over.
    private func fail(_ what: String?, _ error: StoreError, with answer: Reply?, at moment: Moment) -> Bool {
        if let what { log(what, error) }
        // If leaving cannot be stored, the manager exits as after a crash, and its peers return the claims. After the first
        // failure the clients are answered.
        if phase == .stopping, error.code == .failed || error.code == .unknown { failuresAtEnd += 1 }
        guard !isLate, failuresAtEnd < 2 else {
            giveUp(error)
            return false
        }
        stalled = nil
        hasFailed = true
        table.fail(with: answer, at: moment)
        return true
    }

    /// Tries something again a little later; no turn is taken until then.
    func stall(_ what: Stalled, _ error: StoreError? = nil) {
        if let error, stalled == nil { logger.notice("waiting for the database", metadata: ["reason": "\(error)"]) }
        stalled = what
        eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(10)) { self.retry() }
    }

    private func retry() {
        guard phase != .ended, let stalled else { return }
        inTurn {
            switch stalled {
            case .batch(let operations, let moment): carryOut(operations, at: moment)
            case .renewal(let late, let outcomes, let start): renew(late, outcomes, start: start)
            case .answers(let sessions): renewClaims(inAnswersOf: sessions)
            }
        }
    }

    private func resumeReading() {
        guard !suspended.isEmpty else { return }
        let connections = suspended
        suspended.removeAll(keepingCapacity: true)
        for connection in connections { connection.resumeReading() }
    }
}
