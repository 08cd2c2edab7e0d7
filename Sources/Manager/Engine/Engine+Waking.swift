internal import TaskStore

/// How sessions that wait get what comes from outside of their manager's batches.
extension Engine {
    /// If no more sessions than this wait, their claims find out what there is, without a look before.
    private static let fewWaiting = 64

    /// Looking costs at most this share of the time, however many sessions wait.
    private static let shareForLooking = 50

    /// Takes note of what a batch has brought besides its outcomes.
    ///
    /// - Returns: the awaited tubes in which there is more to claim now, or nil if that is not known.
    func hear(_ result: BatchResult) -> [TubeName]? {
        if result.timePassed, result.moreToClaim == nil { table.wakeWaiting() }
        return result.moreToClaim
    }

    /// Another manager has rung.
    func takeNews() {
        guard phase != .ended else { return }
        do {
            if let news = try store.takeNews() { wake(news) } else { table.wakeWaiting() }
        } catch {
            // The batch that follows finds out what is wrong.
            table.wakeWaiting()
        }
        scheduleTurn()
    }

    /// There may be something for sessions that wait; it is not known for which.
    func wakeWaiting() {
        table.wakeWaiting()
        scheduleTurn()
    }

    /// Finds out for which sessions there is something, if all that wait would have to try and they are many.
    func lookForEveryone() {
        guard table.wakes.isForEveryone, table.waiting > Self.fewWaiting else { return }
        guard let news = try? store.lookForNews() else { return }
        table.wakes.dropEveryone()
        wake(news)
    }

    private func wake(_ news: News) {
        table.wake(news.tubes)
        table.wakeDisplaced(news.displaced)
    }

    /// Looks whether other programs have written.
    ///
    /// - Returns: whether they have, or may have: what is looked at costs more the more tubes are awaited, so it is
    ///   looked at less often then.
    func look() -> Bool {
        guard phase != .ended, stalled == nil, table.waiting > 0 else { return false }
        let start = ContinuousClock.now
        guard start >= nextLook else { return true }
        do {
            guard try store.hasChangedElsewhere() else { return false }
            wakeWaiting()
            lookForEveryone()
            nextLook = start + start.duration(to: .now) * Self.shareForLooking
            return true
        } catch {
            _ = handle(error, [], at: clock.now())
            return false
        }
    }
}
