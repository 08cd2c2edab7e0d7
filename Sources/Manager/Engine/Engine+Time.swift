internal import Logging
internal import NIOCore
internal import TaskStore

/// The engine's work without a command: timers, news from the store, and maintenance.
extension Engine {
    /// Sets a timer for a turn at the next timeout, or at the store's next event.
    func armWakeUp() {
        // Another turn follows in any case when the sockets have been read, and this is called again after it.
        if table.isTruncated, table.hasWork { return }
        var next = table.sessions.timeouts.next
        if let nextEvent {
            let moment = clock.now()
            let left = max(1, nextEvent.rawValue - moment.timestamp.rawValue)
            let instant = moment.instant + .milliseconds(left)
            next = min(next ?? instant, instant)
        }
        guard let next else { return }
        if let wakeUp, wakeUp.at <= next { return }
        wakeUp?.timer.cancel()
        // A timer stops while the machine sleeps, and the time of the event does not.
        let delay = min(max(.zero, next - .now), Self.longestSleep)
        let nanoseconds = delay.components.seconds * 1_000_000_000 + delay.components.attoseconds / 1_000_000_000
        let timer = eventLoop.assumeIsolated()
            .scheduleTask(in: .nanoseconds(nanoseconds)) {
                self.wakeUp = nil
                self.scheduleTurn()
            }
        wakeUp = (next, timer)
    }

    /// The longest time of a timer.
    private static let longestSleep = Duration.milliseconds(500)

    /// Asks the store to report when there may be something for sessions that wait.
    func observe() {
        let engine = NIOLoopBound(self, eventLoop: eventLoop)
        store.observeChanges { [eventLoop] change in
            eventLoop.execute {
                switch change {
                case .pending: engine.value.takeNews()
                case .written: engine.value.writeWasAnnounced()
                }
            }
        }
    }

    /// Looks at the store, and does what the polling then wants.
    private func poll() {
        let step = polling.looked(found: look(), waiting: table.sessions.waiters.count)
        guard step == .ask else { return follow(step) }
        let calls = store.announceNextWrite()
        follow(polling.asked(calls: calls, found: look()))
    }

    /// Begins to look at the store: a process has written or is writing, perhaps this manager.
    private func writeWasAnnounced() {
        guard phase != .ended, polling.isCalled else { return }
        follow(polling.called(waiting: table.sessions.waiters.count), firstIn: Self.timeToCommit)
    }

    /// The time after which most commits that are being written can be seen: those of programs that sync once.
    private static let timeToCommit = TimeAmount.milliseconds(2)

    /// Carries out a step of the polling.
    ///
    /// - Parameters:
    ///   - step: the step.
    ///   - delay: the time until the first look, if looks begin.
    func follow(_ step: PollingPolicy.Step, firstIn delay: TimeAmount? = nil) {
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
                engine.value.poll()
            }
        }
    }

    /// Has the store do its regular work.
    func maintain() {
        guard phase == .running, stalled == nil else { return }
        let moment = clock.now()
        turnTimes.age(at: moment.instant)
        store.publish(figures)
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
            if let isTold = report.isToldToDrain { follow(isToldToDrain: isTold) }
            if let managers = report.managers { notePeers(managers) }
            if report.madePending { table.sessions.waiters.wakeAll() }
            if report.hasLostClaims { loseClaims() }
            if report.isUnfinished { continueMaintenance() }
        } catch let error where error.code == .busy || error.code == .full {
            logger.debug("maintenance is postponed", metadata: ["reason": "\(error)"])
        } catch {
            _ = handle(error, [], at: moment)
        }
        reportRoomAgain()
        // For commits for which the store did not call.
        if polling.isCalled { poll() }
        // This finds delays that other managers have added since and, if they die, do not end.
        mustLookForEvents = true
        scheduleTurn()
    }

    /// Refuses new tasks, or takes them again, as an operator has said.
    private func follow(isToldToDrain: Bool) {
        guard isToldToDrain != drainReasons.contains(.operatorsCommand) else { return }
        setDraining(isToldToDrain, .operatorsCommand)
        if isToldToDrain {
            logger.notice("draining, as an operator has said: new tasks are refused")
        } else {
            logger.notice("an operator has ended the draining", metadata: ["draining": "\(table.sessions.isDraining)"])
        }
    }

    /// Logs which managers have come and gone.
    ///
    /// The rows of this process's other event loops have its name too.
    private func notePeers(_ all: [ManagerID: String]) {
        guard lane.map({ $0.number == 0 }) ?? true else { return }
        let own = all[store.manager]
        let managers = all.filter { $0.value != own }
        defer { peers = managers }
        guard let known = peers else {
            let names = managers.values.sorted().joined(separator: ", ")
            return logger.info("serving", metadata: ["manager": "\(store.manager)", "peers": "\(names)"])
        }
        guard known != managers else { return }
        for (id, name) in managers where known[id] == nil {
            logger.info("another manager has joined", metadata: ["manager": "\(name)", "id": "\(id)"])
        }
        for (id, name) in known where managers[id] == nil {
            logger.info("another manager has gone", metadata: ["manager": "\(name)", "id": "\(id)"])
        }
    }

    /// Has the store continue its regular work after the sockets have been read.
    private func continueMaintenance() {
        eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(1)) { self.maintain() }
    }

    /// Drops all claims: peers have taken this manager for dead and returned its sessions' claims.
    func loseClaims() {
        logger.warning("the store could not be reached for too long: all claims of this manager's clients are lost")
        for connection in connections.values { connection.loseClaims() }
        table.sessions.waiters.wakeAll()
    }
}
