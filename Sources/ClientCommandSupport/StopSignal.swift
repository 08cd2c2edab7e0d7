internal import Synchronization

/// An event that happens once and that several tasks may wait for, such as the request to stop.
public final class StopSignal: Sendable {
    private struct State {
        var isSet = false
        var next = 0
        var waiting: [Int: CheckedContinuation<Void, Never>] = [:]
    }

    private let state = Mutex(State())

    /// Creates an event that has not happened.
    public init() {}

    /// Whether it has happened.
    public var isSet: Bool { state.withLock { $0.isSet } }

    /// Makes it happen.
    ///
    /// All tasks that wait now or later return.
    public func set() {
        let waiting = state.withLock { state in
            state.isSet = true
            defer { state.waiting = [:] }
            return state.waiting.values
        }
        for continuation in waiting {
            continuation.resume()
        }
    }

    /// Waits until it has happened or the calling task is cancelled.
    public func wait() async {
        let id = state.withLock { state in
            state.next += 1
            return state.next
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    if state.isSet || Task.isCancelled { return true }
                    state.waiting[id] = continuation
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            let continuation = state.withLock { $0.waiting.removeValue(forKey: id) }
            continuation?.resume()
        }
    }
}
