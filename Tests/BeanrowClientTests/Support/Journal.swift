import Synchronization

/// A list of events that tests can wait for.
final class Journal<Event: Sendable>: Sendable {
    private struct Waiter {
        var isMet: ([Event]) -> Bool
        var continuation: CheckedContinuation<[Event], Never>
    }

    private struct State: ~Copyable {
        var events: [Event] = []
        var waiters: [Waiter] = []
    }

    private let state = Mutex(State())

    /// All events so far.
    var events: [Event] { state.withLock { $0.events } }

    func append(_ event: Event) {
        state.withLock { state in
            state.events.append(event)
            for waiter in state.waiters where waiter.isMet(state.events) {
                waiter.continuation.resume(returning: state.events)
            }
            let events = state.events
            state.waiters.removeAll { $0.isMet(events) }
        }
    }

    /// Waits until the events meet a condition, and returns them.
    @discardableResult
    func wait(until isMet: @escaping @Sendable ([Event]) -> Bool) async -> [Event] {
        await withCheckedContinuation { continuation in
            state.withLock { state in
                if isMet(state.events) {
                    continuation.resume(returning: state.events)
                } else {
                    state.waiters.append(Waiter(isMet: isMet, continuation: continuation))
                }
            }
        }
    }
}
