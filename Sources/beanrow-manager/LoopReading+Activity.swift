internal import Manager
internal import ServiceNotification
internal import TaskStore

extension LoopReading {
    /// Reads an event loop.
    init(_ activity: LoopActivity) {
        self.init(turns: activity.turns, wait: activity.wait.current, isStalled: activity.isStalled)
    }
}
