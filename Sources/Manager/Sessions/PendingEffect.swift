internal import TaskStore

/// The tasks that an action makes pending, or allows to be claimed.
enum PendingEffect {
    case none

    /// Up to this many tasks of a tube.
    case tasks(Int, TubeName)

    /// Tasks of a tube that is not known.
    case anywhere

    /// Finds the effect of an action; the tube of a task is known if the session holds the task.
    init(of action: borrowing Action, by session: Session) {
        switch action {
        case .release(let task, _, delay: 0), .expire(let task):
            // A claim of this batch is not known yet.
            if let claim = session.claims[task] { self = .tasks(1, claim.tube) } else { self = .anywhere }
        case .kickTask, .pause(_, seconds: 0), .breakClaim, .endSession, .editTask: self = .anywhere
        case .moveTask(_, let tube): self = .tasks(1, tube)
        case .moveTasks(_, let tube, .pending, let limit): self = .tasks(limit, tube)
        case .kick(let tube, let bound, _): self = .tasks(bound, tube)
        case .put(let task): self = task.delay == 0 ? .tasks(1, task.tube) : .none
        default: self = .none
        }
    }
}
