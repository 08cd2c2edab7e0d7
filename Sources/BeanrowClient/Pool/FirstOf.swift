internal import Synchronization

/// A value that may come from several sides; the first one counts and one task waits for it.
final class FirstOf<Value: Sendable>: Sendable {
    private enum State {
        case empty
        case waiting(CheckedContinuation<Value, Never>)
        case come(Value)
        case taken
    }

    private let state = Mutex(State.empty)

    /// Waits for the first value; to be called once.
    func value() async -> Value {
        await withCheckedContinuation { continuation in
            let come: Value? = state.withLock { state in
                if case .come(let value) = state {
                    state = .taken
                    return value
                }
                state = .waiting(continuation)
                return nil
            }
            if let come {
                continuation.resume(returning: come)
            }
        }
    }

    /// Offers a value.
    ///
    /// - Returns: whether it was the first.
    @discardableResult
    func offer(_ value: Value) -> Bool {
        let (isFirst, waiting) = state.withLock { state -> (Bool, CheckedContinuation<Value, Never>?) in
            switch state {
            case .empty:
                state = .come(value)
                return (true, nil)
            case .waiting(let continuation):
                state = .taken
                return (true, continuation)
            case .come, .taken:
                return (false, nil)
            }
        }
        waiting?.resume(returning: value)
        return isFirst
    }
}
