internal import Access
internal import BeanstalkWire
internal import TaskStore

/// What the principals of sessions may do.
///
/// Tubes that a command names are checked here, before the store is asked. Tasks that a command names are checked by the
/// store, in the tube that they are in then: the operation gets a filter (``Session/accessFilter(for:)``).
extension BatchBuilder {
    /// Returns the answer to a command for which the session's principal has no right.
    ///
    /// - Returns: `nil` if the command may be carried out.
    func refusal(of command: Command, _ session: Session) -> Reply? {
        guard let principal = session.principal, let right = command.verb.right else { return nil }
        let isAllowed =
            switch command.scope(in: session) {
            case .tube(let tube): principal.may(right, in: tube)
            case .claimTubes: !session.claimTubes.isEmpty
            case .task: true
            case .taskAndTube(let target): principal.may(right, in: target)
            case .bothTubes(let source, let target):
                principal.may(right, in: source) && principal.may(right, in: target)
            case .anyTube: principal.mayAnywhere(right)
            case .allTubes: principal.mayEverywhere(right)
            }
        // What tells of bodies needs the right to read them too. Other answers leave them out.
        if case .store(_, .inspect(let query)) = command, query.asksForBodies, !principal.mayEverywhere(.read) {
            return .forbidden
        }
        return isAllowed ? nil : .forbidden
    }

    /// Ends the connection of a client that is known already and sends `auth`.
    mutating func refuseAuthentication(of session: Session, _ sessions: inout SessionRegistry) {
        guard session.principal != nil else {
            // Without tokens the command does not exist, as in beanstalkd.
            return append(answer: .unknownCommand, verb: nil, to: session)
        }
        sessions.counters.unauthorized += 1
        append(answer: .unauthorized, verb: .auth, to: session)
        session.dropCommands()
        sessions.markReady(session)
    }
}

extension Command {
    /// The tubes in which a client needs the right of a command.
    enum Scope {
        /// One tube.
        case tube(TubeName)

        /// At least one of the tubes from which the session may claim.
        case claimTubes

        /// The tube of the task that the command names, which only the store knows.
        case task

        /// The tube of the task, and the tube to which it goes.
        case taskAndTube(TubeName)

        /// Two tubes.
        case bothTubes(TubeName, TubeName)

        /// At least one tube, whichever it is.
        case anyTube

        /// All tubes.
        case allTubes
    }

    /// The tubes in which a client needs the right of the command.
    func scope(in session: Session) -> Scope {
        switch self {
        case .put, .peekNext, .kick: .tube(session.usedTube)
        case .use(let tube), .watch(let tube), .ignore(let tube), .clearTube(let tube, _): .tube(tube)
        case .moveTube(let source, let target, _, _): .bothTubes(source, target)
        case .endSession: .allTubes
        case .reserve, .reserveWithTimeout: .claimTubes
        case .session, .listTubeUsed, .listTubesWatched, .quit, .auth: .anyTube
        case .store(_, .pause(let tube, _)), .store(_, .tubeStatistics(let tube)): .tube(tube)
        case .store(_, .listTubes): .anyTube
        case .store(_, .moveTask(_, let target)): .taskAndTube(target)
        case .store(_, let action): action.task == nil ? .allTubes : .task
        }
    }
}

extension InspectQuery {
    /// Whether the question is about bodies: one is wanted, or tasks are chosen by them.
    fileprivate var asksForBodies: Bool {
        switch self {
        case .tasks(let filter, _, _): !filter.bodyLike.isEmpty
        case .task(_, let withBody): withBody
        case .managers, .tubes, .tube, .claims, .sessions, .store: false
        }
    }
}
