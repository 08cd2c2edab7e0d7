internal import BeanstalkWire

extension Reply {
    /// Whether this can be the answer to such a command (protocol.txt).
    ///
    /// If not, answers and commands are out of step.
    func answers(_ verb: Verb) -> Bool {
        switch self {
        case .outOfMemory, .internalError, .badFormat, .unknownCommand: true
        case .inserted, .buriedTask, .expectedCRLF, .jobTooBig, .draining: verb == .put || verb == .putUnique
        case .exists: verb == .putUnique
        case .session: verb == .session
        case .sessionTaken: Self.canBeDisplaced.contains(verb)
        case .cleared: verb == .clearTube
        case .using: verb == .use || verb == .listTubeUsed
        case .reserved: verb == .reserve || verb == .reserveWithTimeout || verb == .reserveJob
        case .deadlineSoon, .timedOut: verb == .reserve || verb == .reserveWithTimeout
        case .deleted: verb == .delete
        case .released: verb == .release
        case .buried: verb == .bury || verb == .release
        case .touched: verb == .touch
        case .watching: verb == .watch || verb == .ignore
        case .notIgnored: verb == .ignore
        case .found: verb == .peek || verb == .peekReady || verb == .peekDelayed || verb == .peekBuried
        case .kicked: verb == .kick
        case .kickedTask: verb == .kickJob
        case .ok:
            verb == .stats || verb == .statsJob || verb == .statsTube || verb == .listTubes
                || verb == .listTubesWatched
        case .paused: verb == .pauseTube
        case .notFound: Self.canMiss.contains(verb)
        }
    }

    private static let canMiss: Set<Verb> = [
        .reserveJob, .delete, .release, .bury, .touch, .peek, .peekReady, .peekDelayed, .peekBuried, .kickJob,
        .statsJob, .statsTube, .pauseTube, .clearTube,
    ]

    private static let canBeDisplaced: Set<Verb> = [
        .reserve, .reserveWithTimeout, .reserveJob, .delete, .release, .bury, .touch,
    ]

    /// The error this answer is, where it is a refusal.
    var refusal: ClientError? {
        switch self {
        case .expectedCRLF: ClientError(.expectedCRLF, "the manager missed the end of the body (EXPECTED_CRLF)")
        case .jobTooBig: ClientError(.jobTooBig, "the body is larger than the manager takes (JOB_TOO_BIG)")
        case .draining: ClientError(.draining, "the manager takes no more tasks (DRAINING)")
        case .outOfMemory: ClientError(.outOfMemory, "the manager has no room (OUT_OF_MEMORY)")
        case .internalError: ClientError(.internalError, "the manager failed (INTERNAL_ERROR)")
        case .badFormat: ClientError(.badFormat, "the manager did not understand the request (BAD_FORMAT)")
        case .unknownCommand: ClientError(.unknownCommand, "the manager does not know the command (UNKNOWN_COMMAND)")
        case .notFound: ClientError(.notFound, "there is no such task or tube (NOT_FOUND)")
        case .sessionTaken: ClientError(.sessionTaken, "another connection took up the session (SESSION_TAKEN)")
        case .notIgnored: ClientError(.notIgnored, "a connection has to watch a tube (NOT_IGNORED)")
        case .inserted, .buriedTask, .using, .reserved, .deadlineSoon, .timedOut, .deleted, .released, .buried,
            .touched, .watching, .found, .kicked, .kickedTask, .ok, .paused, .exists, .session, .cleared:
            nil
        }
    }
}

extension Verb {
    /// Whether the command can bring a task, which must not be lost on the way.
    var claims: Bool {
        self == .reserve || self == .reserveWithTimeout || self == .reserveJob
    }
}
