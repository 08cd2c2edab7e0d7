internal import BeanstalkWire
internal import TaskStore

/// A command on many rows that is carried out in steps, each step in a batch of its own.
///
/// Other sessions and other managers work between two steps. The changes of a step stay if a later step fails.
struct LongCommand {
    /// The work of the command.
    enum Work: Equatable {
        /// Deletes the tasks of a tube that are in one state.
        case clear(TubeName, TaskState)

        /// Kicks up to this many tasks of a tube.
        case kick(TubeName, bound: Int)

        /// Attaches the connection to a named session, and learns its claims.
        case attach(SessionName)

        /// Moves up to this many tasks of a tube that are in one state to another tube.
        case move(from: TubeName, to: TubeName, TaskState, limit: Int)

        /// Ends the named session with a number.
        case endSession(Int64)
    }

    let work: Work

    /// The number of tasks that the steps have changed, or found to be claimed.
    private(set) var done = 0

    /// The number of tasks for which the step in the batch asks.
    private(set) var asked = 0

    /// The state from which a kick takes its tasks; `nil` if one step may be enough.
    private var kicks: TaskState?

    /// The last task of which it is known that the named session has claimed it; `nil` before the first step.
    private var lastKnown: TaskID?

    init(_ work: Work) {
        self.work = work
    }

    /// The verb as which it is counted in the statistics.
    var verb: Verb {
        switch work {
        case .clear: .clearTube
        case .kick: .kick
        case .attach: .session
        case .move: .moveTube
        case .endSession: .endSession
        }
    }

    /// Whether its steps change rows that a batch has a bound for.
    var needsRows: Bool {
        if case .attach = work { false } else { true }
    }

    /// Whether no step was carried out yet.
    var isAtStart: Bool { lastKnown == nil && done == 0 }

    /// What the command is about, for the audit; `nil` if it is no operator's.
    var auditSubject: AuditEntry.Subject? {
        switch work {
        case .clear(let tube, let state): .tube(tube, filter: "state=\(state.rawValue)")
        case .kick(let tube, let bound): .tube(tube, filter: "bound=\(bound)")
        case .move(let source, let target, let state, _): .tube(source, filter: "state=\(state.rawValue) to=\(target)")
        case .endSession(let number): .session(number)
        case .attach: nil
        }
    }

    /// Returns the next step.
    ///
    /// - Parameter rows: the most tasks of the step, at least 1.
    /// - Returns: the action for the store.
    mutating func nextStep(atMost rows: Int) -> Action {
        switch work {
        case .clear(let tube, let state):
            asked = rows
            return .clear(tube, state, limit: rows)
        case .kick(let tube, let bound):
            let rest = bound - done
            asked = min(rest, rows)
            // beanstalkd kicks delayed tasks only if none is buried. A later step must not begin with delayed tasks
            // because an earlier step has kicked the last buried task.
            if kicks == nil, rest > rows { kicks = .buried }
            return .kick(tube, bound: asked, from: kicks)
        case .attach(let name):
            // Most sessions have few claims. So the store decides how many of them a batch has room for.
            asked = 0
            return .attach(name, after: lastKnown)
        case .move(let source, let target, let state, let limit):
            asked = min(limit - done, rows)
            return .moveTasks(from: source, to: target, state, limit: asked)
        case .endSession(let number):
            asked = Batch.mostRows
            return .endSession(number)
        }
    }

    /// Notes the outcome of a step.
    ///
    /// - Returns: the command's answer; `nil` if another step has to follow.
    mutating func finishStep(_ outcome: Outcome) -> Reply? {
        switch (work, outcome) {
        case (.clear, .cleared(let count)):
            done += count
            return count == asked ? nil : .cleared(done)
        // The tube may be gone with its last task, which an earlier step has deleted.
        case (.clear, .notFound):
            return done > 0 ? .cleared(done) : .notFound
        case (.kick(_, let bound), .kicked(let count)):
            done += count
            if done >= bound || kicks == nil { return .kicked(done) }
            if count == asked { return nil }
            guard done == 0, kicks == .buried else { return .kicked(done) }
            kicks = .delayed
            return nil
        case (.attach, .attached(let claims, let hasMore)):
            done += claims.count
            lastKnown = claims.last?.id ?? lastKnown ?? TaskID(rawValue: 0)
            return hasMore ? nil : .session(claims: done)
        case (.attach, .superseded):
            return .sessionTaken
        case (.attach, .notFound):
            return .notFound
        case (.move(_, _, _, let limit), .moved(let count)):
            done += count
            return count == asked && done < limit ? nil : .moved(done)
        case (.move, .notFound):
            return done > 0 ? .moved(done) : .notFound
        case (.endSession, .ended(let count)):
            done += count
            return count == Batch.mostRows ? nil : .ended
        // Another client may end it between two steps.
        case (.endSession, .notFound):
            return done > 0 ? .ended : .notFound
        default:
            return unfinished(.internalError)
        }
    }

    /// Returns the answer to a command of which a step has failed: the number of tasks that earlier steps have changed.
    ///
    /// - Parameter failure: the answer if no task was changed.
    /// - Returns: the answer.
    func unfinished(_ failure: Reply) -> Reply {
        guard done > 0 else { return failure }
        switch work {
        case .clear: return .cleared(done)
        case .kick: return .kicked(done)
        case .attach: return failure
        case .move: return .moved(done)
        // Some of its claims are left, so it has not ended.
        case .endSession: return failure
        }
    }
}
