internal import TaskStore

/// Serves sessions that wait with tasks from outside of their manager's batches.
extension Engine {
    /// If no more sessions than this wait, all of them try to claim, without a look before.
    private static let fewWaiting = 64

    /// Looking costs at most this share of the time, whatever the number of sessions that wait.
    private static let shareForLooking = 50

    /// Notes the results of a batch besides its outcomes.
    ///
    /// - Returns: the subscribed tubes in which there is more to claim now; `nil` if that is not known.
    func hear(_ result: BatchResult) -> [TubeName]? {
        if result.timePassed, result.moreToClaim == nil { table.sessions.waiters.wakeAll() }
        return result.moreToClaim
    }

    /// Notes the results of a batch that has no commands of clients.
    func note(_ result: BatchResult) {
        if result.hasLostClaims { loseClaims() }
        nextEvent = result.nextEvent
        if let tubes = hear(result) {
            table.sessions.waiters.wake(tubes)
        } else if result.needsDurability {
            table.sessions.waiters.wakeAll()
        }
    }

    /// Takes the news that another manager has announced.
    func takeNews() {
        guard phase != .ended else { return }
        do {
            if let news = try store.takeNews() { wake(news) } else { table.sessions.waiters.wakeAll() }
        } catch {
            // The next batch finds the same error and handles it.
            table.sessions.waiters.wakeAll()
        }
        scheduleTurn()
    }

    /// Wakes the sessions that wait, since it is not known for which of them there is something.
    func wakeWaiting() {
        table.sessions.waiters.wakeAll()
        scheduleTurn()
    }

    /// Looks for which sessions there is something, if many sessions wait and all would have to try.
    func lookForAllWaiting() {
        guard table.sessions.waiters.wakes.isForAll, table.sessions.waiters.count > Self.fewWaiting else { return }
        guard let news = try? store.lookForNews() else { return }
        table.sessions.waiters.wakes.dropAll()
        wake(news)
    }

    private func wake(_ news: News) {
        table.sessions.waiters.wake(news.tubes)
        table.sessions.waiters.wakeSuperseded(news.superseded)
    }

    /// Looks whether other programs have written.
    ///
    /// - Returns: whether they have, or may have. A look costs more if there are more subscribed tubes, so there are
    ///   fewer looks then.
    func look() -> Bool {
        guard phase != .ended, stalled == nil, table.sessions.waiters.count > 0 else { return false }
        let start = ContinuousClock.now
        guard start >= nextLook else { return true }
        do {
            guard try store.hasChangedElsewhere() else { return false }
            wakeWaiting()
            lookForAllWaiting()
            nextLook = start + start.duration(to: .now) * Self.shareForLooking
            return true
        } catch {
            _ = handle(error, [], at: clock.now())
            return false
        }
    }
}
