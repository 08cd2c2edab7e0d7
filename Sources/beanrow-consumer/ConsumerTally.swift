internal import BeanrowClient
internal import CommandLineSupport
internal import Synchronization

/// What became of the tasks so far.
final class ConsumerTally: Sendable {
    private struct State {
        var taken = 0
        var done = 0
        var released = 0
        var buried = 0
        var lost = 0
        var unfinished: Set<TaskID> = []
        var failure: String?
    }

    private let state = Mutex(State())

    /// Tasks taken.
    var taken: Int { state.withLock { $0.taken } }

    /// Tasks done and deleted.
    var done: Int { state.withLock { $0.done } }

    /// Why it had to end early, if it had to.
    var failure: String? { state.withLock { $0.failure } }

    /// Whether every task that was taken is done, be it at a later attempt.
    var isAllDone: Bool { state.withLock { $0.unfinished.isEmpty } }

    /// Tasks were taken.
    func took(_ claims: [Claim]) {
        state.withLock { $0.taken += claims.count }
    }

    /// A task is done and deleted.
    func did(_ id: TaskID) {
        state.withLock { state in
            state.done += 1
            state.unfinished.remove(id)
        }
    }

    /// A task was given back.
    func released(_ id: TaskID) {
        state.withLock { state in
            state.released += 1
            state.unfinished.insert(id)
        }
    }

    /// A task was set aside.
    func buried(_ id: TaskID) {
        state.withLock { state in
            state.buried += 1
            state.unfinished.insert(id)
        }
    }

    /// The claim on a task was gone before its work could be reported, or nobody knows whether the report arrived.
    func lost(_ id: TaskID) {
        state.withLock { state in
            state.lost += 1
            state.unfinished.insert(id)
        }
    }

    /// Something happened that ends it all; the first reason counts.
    func fail(_ reason: String) {
        state.withLock { $0.failure = $0.failure ?? reason }
    }

    /// The lines for standard error, the counts last.
    ///
    /// - Parameter time: how long it took.
    /// - Returns: the lines, without line ends.
    func summary(after time: Duration) -> [String] {
        state.withLock { state in
            var lines: [String] = []
            if let failure = state.failure {
                // Where nothing was taken there is nothing to count: one line says all.
                if state.taken == 0 { return [failure] }
                lines.append(failure)
            }
            var counts = [Wording.count(state.done, "task") + " done in " + Wording.rate(state.done, in: time)]
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
