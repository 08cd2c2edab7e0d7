internal import BeanstalkWire
internal import TaskStore

/// A command of an operator that has changed something, for one line of the log.
///
/// It has no bodies and no tokens. Control characters cannot occur in names of tubes and principals; in the name of a
/// manager, which a client chooses freely, they are escaped.
struct AuditEntry: Equatable {
    /// What the command was about.
    enum Subject: Equatable {
        case task(TaskID)
        case tube(TubeName, filter: String?)
        case session(Int64)
        case manager(String)
    }

    /// What the command has changed.
    enum Outcome: Equatable {
        /// The command was carried out.
        case done

        /// This number of tasks was changed.
        case count(Int)
    }

    var principal: PrincipalName
    var address: String
    var verb: Verb
    var subject: Subject
    var outcome: Outcome
}

extension Action {
    /// What the line about the action says it was about; `nil` for actions that operators do not ask for.
    var auditSubject: AuditEntry.Subject? {
        switch self {
        case .pause(let tube, let seconds): .tube(tube, filter: "seconds=\(seconds)")
        case .kick(let tube, let bound, _): .tube(tube, filter: "bound=\(bound)")
        case .clear(let tube, let state, _): .tube(tube, filter: "state=\(state.rawValue)")
        case .setDraining(let manager, _): .manager(manager)
        default: task.map { .task($0) }
        }
    }
}

extension Outcome {
    /// What the line about the operation says; `nil` if the operation has changed nothing.
    var audited: AuditEntry.Outcome? {
        switch self {
        case .kicked(let count), .cleared(let count), .moved(let count): count > 0 ? .count(count) : nil
        case .paused, .deleted, .broken, .edited, .drainingSet: .done
        default: nil
        }
    }
}
