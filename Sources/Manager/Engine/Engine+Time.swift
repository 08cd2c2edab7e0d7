internal import Logging
internal import NIOCore
internal import TaskStore

/// What the engine does when nobody has asked for anything.
extension Engine {
    /// Has a turn run when something times out or an event of the store is due.
    func armWakeUp() {
        // Another turn follows anyway, once the sockets were looked at, and this comes after it.
        if table.wasCut, table.hasWork { return }
        var next = table.timeouts.next
        if let nextEvent {
            let moment = clock.now()
            let left = max(1, nextEvent.rawValue - moment.timestamp.rawValue)
            let instant = moment.instant + .milliseconds(left)
            next = min(next ?? instant, instant)
        }
        guard let next else { return }
        if let wakeUp, wakeUp.at <= next { return }
        wakeUp?.timer.cancel()
        // A timer stands still while the machine sleeps, and what it waits for does not.
        let delay = min(max(.zero, next - .now), Self.longestSleep)
        let nanoseconds = delay.components.seconds * 1_000_000_000 + delay.components.attoseconds / 1_000_000_000
        let timer = eventLoop.assumeIsolated()
            .scheduleTask(in: .nanoseconds(nanoseconds)) {
                self.wakeUp = nil
                self.scheduleTurn()
            }
        wakeUp = (next, timer)
    }

    /// How long a timer sleeps at most.
    private static let longestSleep = Duration.milliseconds(500)

    /// Has the store say when there may be something for sessions that wait.
    func observe() {
        let engine = NIOLoopBound(self, eventLoop: eventLoop)
        store.observeChanges { [eventLoop] change in
            eventLoop.execute {
                switch change {
                case .pending: engine.value.takeNews()
                case .written: engine.value.somebodyWrote()
                }
            }
        }
    }

    /// Looks, and decides how it goes on.
    private func lookOut() {
        let step = lookout.looked(found: look(), waiting: table.waiting)
        guard step == .ask else { return follow(step) }
        let calls = store.announceNextWrite()
        follow(lookout.asked(calls: calls, found: look()))
    }

    /// Somebody has written, or is writing, perhaps this manager.
    private func somebodyWrote() {
        guard phase != .ended, lookout.isCalled else { return }
        follow(lookout.called(waiting: table.waiting), firstIn: Self.timeToCommit)
    }

    /// After so long, most commits that somebody is writing can be seen: those of programs that sync once.
    private static let timeToCommit = TimeAmount.milliseconds(2)

    /// Does what the lookout wants.
    ///
    /// - Parameters:
    ///   - step: what it is.
    ///   - delay: when the first look is to be made, where there are to be some.
    func follow(_ step: Lookout.Step, firstIn delay: TimeAmount? = nil) {
        switch step {
        case .goOn, .ask:
            break
        case .stop:
            looks?.cancel()
            looks = nil
        case .start:
            let engine = NIOLoopBound(self, eventLoop: eventLoop)
            let interval = configuration.pollInterval
            looks = eventLoop.scheduleRepeatedTask(initialDelay: delay ?? interval, delay: interval) { _ in
                engine.value.lookOut()
            }
        }
    }

    /// Has the store look after itself and its managers.
    func maintain() {
        guard phase == .running, stalled == nil else { return }
        let moment = clock.now()
        do {
            let report = try store.maintain(at: moment.timestamp)
            for manager in report.recovered {
                logger.notice(
                    "a manager died; its claims are pending again",
                    metadata: ["manager": "\(manager.name)", "id": "\(manager.id)", "claims": "\(manager.claims)"]
                )
            }
            for manager in report.endedForSilent {
                logger.notice(
                    "a manager does nothing although it lives; its overdue claims are pending again",
                    metadata: ["manager": "\(manager.name)", "claims": "\(manager.claims)"]
                )
            }
            for warning in report.warnings { logger.warning("\(warning)") }
            if report.madePending { table.wakeWaiting() }
            if report.claimsWereLost { loseClaims() }
            if report.isUnfinished { continueMaintenance() }
        } catch let error where error.code == .busy || error.code == .full {
            logger.debug("maintenance put off", metadata: ["reason": "\(error)"])
        } catch {
            _ = handle(error, [], at: moment)
        }
        reportRoomAgain()
        // For whatever the store did not call.
        if lookout.isCalled { lookOut() }
        // Delays that other managers have put in since, and may not live to end, are found here.
        mustLookForEvents = true
        scheduleTurn()
    }

    /// Has the store go on looking after itself, once the sockets were looked at.
    private func continueMaintenance() {
        eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(1)) { self.maintain() }
    }

    /// Peers have taken this manager for dead and given its sessions' claims to others.
    func loseClaims() {
        logger.warning("out of reach of the store for too long: all claims of this manager's clients are lost")
        for connection in connections.values { connection.loseClaims() }
        table.wakeWaiting()
    }
}
