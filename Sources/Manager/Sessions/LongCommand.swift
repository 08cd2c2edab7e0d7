internal import BeanstalkWire
internal import TaskStore

/// A command on many rows that is carried out step by step, each step in a batch of its own.
///
/// Between two steps other sessions and other managers go on. What a step has done stays done if a later one fails.
struct LongCommand {
    /// What is to be done.
    enum Work: Equatable {
        /// Deletes the tasks of a tube that are in one state.
        case clear(TubeName, TaskState)

        /// Kicks up to this many tasks of a tube.
        case kick(TubeName, bound: Int)
    }

    let work: Work

    /// How many tasks the steps have deleted or kicked.
    private(set) var done = 0

    /// For how many tasks the step asks that is in the batch.
    private(set) var asked = 0

    /// The state from which a kick takes its tasks; nil while one step may do all of it.
    private var kicks: TaskState?

    init(_ work: Work) {
        self.work = work
    }

    /// The command that it is in the statistics.
    var verb: Verb {
        switch work {
        case .clear: .clearTube
        case .kick: .kick
        }
    }

    /// Returns the next step.
    ///
    /// - Parameter rows: how many tasks the step may concern, at least 1.
    /// - Returns: what to ask of the store.
    mutating func nextStep(atMost rows: Int) -> Action {
        switch work {
        case .clear(let tube, let state):
            asked = rows
            return .clear(tube, state, limit: rows)
        case .kick(let tube, let bound):
            let rest = bound - done
            asked = min(rest, rows)
            // beanstalkd kicks delayed tasks only if none is buried. A later step must not begin with them because an earlier
            // one has kicked the last that was buried.
            if kicks == nil, rest > rows { kicks = .buried }
            return .kick(tube, bound: asked, from: kicks)
        }
    }

    /// Takes in what a step has done.
    ///
    /// - Returns: the command's answer, or nil if another step has to follow.
    mutating func finishStep(_ outcome: Outcome) -> Reply? {
        switch (work, outcome) {
        case (.clear, .cleared(let count)):
            done += count
            return count == asked ? nil : .cleared(done)
        // The tube may be gone with its last task, which a step before has deleted.
        case (.clear, .notFound):
            return done > 0 ? .cleared(done) : .notFound
        case (.kick(_, let bound), .kicked(let count)):
            done += count
            if done >= bound || kicks == nil { return .kicked(done) }
            if count == asked { return nil }
            guard done == 0, kicks == .buried else { return .kicked(done) }
            kicks = .delayed
            return nil
        default:
            return unfinished(.internalError)
        }
    }

    /// Returns the answer to a command of which a step has failed: how much is done, which stays done.
    ///
    /// - Parameter failure: the answer if nothing is done.
    /// - Returns: the answer.
    func unfinished(_ failure: Reply) -> Reply {
        guard done > 0 else { return failure }
        switch work {
        case .clear: return .cleared(done)
        case .kick: return .kicked(done)
        }
    }
}
