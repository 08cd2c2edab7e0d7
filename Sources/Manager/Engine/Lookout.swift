/// Decides how closely the store is watched for what is written with other programs, while sessions wait.
///
/// Where something comes now and then it is looked at every few milliseconds. Where nothing comes the store is asked to say
/// when somebody writes, so that a manager whose clients wait all night sleeps as well. Looking then begins anew, since the
/// store says so before the commit can be seen.
struct Lookout {
    /// After so many looks in vain the store is asked to call: long enough for a commit that was announced to be seen.
    static let looksInVain = 8

    private enum State {
        /// No session waits.
        case off

        /// The store is looked at over and over.
        case looking(inVain: Int)

        /// The store calls.
        case called
    }

    private var state = State.off

    /// What is to be done next.
    enum Step: Equatable {
        /// Nothing but what is done already.
        case goOn

        /// Look at the store over and over from now on.
        case start

        /// Look no more.
        case stop

        /// Ask the store to call at the next write; then ``asked(calls:found:)`` has to follow.
        case ask
    }

    /// Whether the store has been asked to call and has not yet.
    var isCalled: Bool {
        if case .called = state { true } else { false }
    }

    /// So many sessions wait.
    ///
    /// - Parameter sessions: how many.
    /// - Returns: what is to be done.
    mutating func waiting(_ sessions: Int) -> Step {
        guard case .off = state, sessions > 0 else { return .goOn }
        state = .looking(inVain: 0)
        return .start
    }

    /// The store was looked at.
    ///
    /// - Parameters:
    ///   - found: whether anything had been committed since the last look.
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
            let inVain = found ? 0 : before + 1
            state = .looking(inVain: inVain)
            return inVain >= Self.looksInVain ? .ask : .goOn
        }
    }

    /// The store was asked to call, and looked at once more, for what came before it was.
    ///
    /// - Parameters:
    ///   - calls: whether it is going to.
    ///   - found: whether that look found anything.
    /// - Returns: what is to be done.
    mutating func asked(calls: Bool, found: Bool) -> Step {
        guard calls, !found else {
            state = .looking(inVain: 0)
            return .goOn
        }
        state = .called
        return .stop
    }

    /// The store called.
    ///
    /// - Parameter sessions: how many wait.
    /// - Returns: what is to be done.
    mutating func called(waiting sessions: Int) -> Step {
        guard case .called = state else { return .goOn }
        state = sessions > 0 ? .looking(inVain: 0) : .off
        return sessions > 0 ? .start : .goOn
    }
}
