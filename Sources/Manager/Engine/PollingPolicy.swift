/// Decides how often the store is checked for commits of other programs, while sessions wait.
///
/// If commits come from time to time, the engine looks at the store every few milliseconds. If none comes, it asks the
/// store to call at the next write, so that a manager whose clients wait all night sleeps too. After the call looking
/// begins again, since the store calls before the commit can be seen.
struct PollingPolicy {
    /// The number of looks without result after which the store is asked to call.
    ///
    /// It is large enough for an announced commit to be seen.
    static let idlePolls = 8

    private enum State {
        /// No session waits.
        case off

        /// The engine looks at the store repeatedly.
        case looking(idle: Int)

        /// The store calls at the next write.
        case called
    }

    private var state = State.off

    /// The engine's next step.
    enum Step: Equatable {
        /// Continue as before.
        case goOn

        /// Begin to look at the store repeatedly.
        case start

        /// Stop looking.
        case stop

        /// Ask the store to call at the next write; ``asked(calls:found:)`` has to follow.
        case ask
    }

    /// Whether the store was asked to call and has not called yet.
    var isCalled: Bool {
        if case .called = state { true } else { false }
    }

    /// Notes the number of sessions that wait.
    ///
    /// - Parameter sessions: how many.
    /// - Returns: what is to be done.
    mutating func waiting(_ sessions: Int) -> Step {
        guard case .off = state, sessions > 0 else { return .goOn }
        state = .looking(idle: 0)
        return .start
    }

    /// Notes the result of a look at the store.
    ///
    /// - Parameters:
    ///   - found: whether there was a commit since the last look.
    ///   - sessions: how many wait.
    /// - Returns: what is to be done.
    mutating func looked(found: Bool, waiting sessions: Int) -> Step {
        switch state {
        case .off:
            return .goOn
        case .called:
            return found ? called(waiting: sessions) : .goOn
        case .looking(let before):
            guard sessions > 0 else {
                state = .off
                return .stop
            }
            let idle = found ? 0 : before + 1
            state = .looking(idle: idle)
            return idle >= Self.idlePolls ? .ask : .goOn
        }
    }

    /// Notes that the store was asked to call, and that the engine looked once more for commits before the question.
    ///
    /// - Parameters:
    ///   - calls: whether the store will call.
    ///   - found: whether the look found a commit.
    /// - Returns: what is to be done.
    mutating func asked(calls: Bool, found: Bool) -> Step {
        guard calls, !found else {
            state = .looking(idle: 0)
            return .goOn
        }
        state = .called
        return .stop
    }

    /// Notes that the store called.
    ///
    /// - Parameter sessions: how many wait.
    /// - Returns: what is to be done.
    mutating func called(waiting sessions: Int) -> Step {
        guard case .called = state else { return .goOn }
        state = sessions > 0 ? .looking(idle: 0) : .off
        return sessions > 0 ? .start : .goOn
    }
}
