internal import Synchronization

/// A value that several callers may set.
///
/// The first value counts, and one task waits for it.
final class OneShot<Value: Sendable>: Sendable {
    private enum State {
        case empty
        case waiting(CheckedContinuation<Value, Never>)
        case set(Value)
        case taken
    }

    private let state = Mutex(State.empty)

    /// Waits for the first value.
    ///
    /// Call this once.
    func value() async -> Value {
        await withCheckedContinuation { continuation in
            let available: Value? = state.withLock { state in
                if case .set(let value) = state {
                    state = .taken
                    return value
                }
                state = .waiting(continuation)
                return nil
            }
            if let available {
                continuation.resume(returning: available)
            }
        }
    }

    /// Sets the value, unless it is set.
    ///
    /// - Returns: whether this value was the first.
    @discardableResult
    func set(_ value: Value) -> Bool {
        let (isFirst, waiting) = state.withLock { state -> (Bool, CheckedContinuation<Value, Never>?) in
            switch state {
            case .empty:
                state = .set(value)
                return (true, nil)
            case .waiting(let continuation):
                state = .taken
                return (true, continuation)
            case .set, .taken:
                return (false, nil)
            }
        }
        waiting?.resume(returning: value)
        return isFirst
    }
}
