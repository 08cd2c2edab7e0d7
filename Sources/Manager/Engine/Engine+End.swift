internal import NIOCore
internal import TaskStore

/// How an engine ends.
extension Engine {
    /// Starts to leave: the commands that have arrived are carried out, then the connections are closed.
    ///
    /// ``ended`` succeeds once all claims are released and the store is left.
    func stop() {
        guard phase == .running else { return }
        phase = .stopping
        for task in repeated { task.cancel() }
        endHandshakes()
        for connection in connections.values { connection.leave() }
        for stranger in strangers.takeAll() { stranger.abort() }
        eventLoop.assumeIsolated()
            .scheduleTask(in: configuration.stopTimeout) {
                self.isLate = true
                for connection in self.connections.values { connection.abort() }
            }
        scheduleTurn()
        endIfDone()
    }

    func endIfDone() {
        guard table.sessions.openSessions == 0, !table.hasWork, stalled == nil else { return }
        phase = .ended
        looks?.cancel()
        failQuestions()
        reportRefusalsAtEnd()
        do {
            try store.leave()
            ended.succeed()
        } catch {
            ended.fail(error)
        }
    }

    /// Stops at once and answers no client: the state of the disk is not known.
    func giveUp(_ error: StoreError) {
        guard phase != .ended else { return }
        phase = .ended
        looks?.cancel()
        endHandshakes()
        for task in repeated { task.cancel() }
        failQuestions()
        ended.fail(error)
    }
}
