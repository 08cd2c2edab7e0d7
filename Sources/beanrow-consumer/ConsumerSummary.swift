internal import BeanrowClient
internal import CommandLineSupport
internal import Synchronization

/// Counts the outcomes of the tasks of one run.
final class ConsumerSummary: Sendable {
    private struct State {
        var fetched = 0
        var done = 0
        var released = 0
        var buried = 0
        var lost = 0
        var unfinished: Set<TaskID> = []
        var failure: String?
    }

    private let state = Mutex(State())

    /// The number of fetched tasks.
    var fetched: Int { state.withLock { $0.fetched } }

    /// The number of tasks that are done and deleted.
    var done: Int { state.withLock { $0.done } }

    /// The reason that the run ended early, or `nil`.
    var failure: String? { state.withLock { $0.failure } }

    /// Whether every fetched task is done, at its first attempt or a later one.
    var isAllDone: Bool { state.withLock { $0.unfinished.isEmpty } }

    /// Records fetched tasks.
    func recordFetched(_ claims: [Claim]) {
        state.withLock { $0.fetched += claims.count }
    }

    /// Records that a task is done and deleted.
    func recordDone(_ id: TaskID) {
        state.withLock { state in
            state.done += 1
            state.unfinished.remove(id)
        }
    }

    /// Records that a task was released.
    func recordReleased(_ id: TaskID) {
        state.withLock { state in
            state.released += 1
            state.unfinished.insert(id)
        }
    }

    /// Records that a task was buried.
    func recordBuried(_ id: TaskID) {
        state.withLock { state in
            state.buried += 1
            state.unfinished.insert(id)
        }
    }

    /// Records that a claim was lost before the work was reported, or that it is not known whether the report arrived.
    func recordLost(_ id: TaskID) {
        state.withLock { state in
            state.lost += 1
            state.unfinished.insert(id)
        }
    }

    /// Records a failure that ends the run.
    ///
    /// The first reason counts.
    func fail(_ reason: String) {
        state.withLock { $0.failure = $0.failure ?? reason }
    }

    /// Returns the lines for standard error, with the counts last.
    ///
    /// - Parameter time: the duration of the run.
    /// - Returns: the lines, without line ends.
    func lines(after time: Duration) -> [String] {
        state.withLock { state in
            var lines: [String] = []
            if let failure = state.failure {
                // Without a fetched task there is nothing to count.
                if state.fetched == 0 { return [failure] }
                lines.append(failure)
            }
            var counts = [Formatting.count(state.done, "task") + " done in " + Formatting.rate(state.done, in: time)]
            if state.released > 0 { counts.append("\(state.released) released") }
            if state.buried > 0 { counts.append("\(state.buried) buried") }
            if state.lost > 0 {
                counts.append("\(state.lost) may run again, since the claim was lost before the work was reported")
            }
            lines.append(counts.joined(separator: ", "))
            return lines
        }
    }
}
