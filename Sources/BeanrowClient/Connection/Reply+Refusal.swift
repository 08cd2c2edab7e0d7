internal import BeanstalkWire

extension Reply {
    /// The error that this answer stands for, or `nil` if it is no refusal.
    var refusal: ClientError? {
        switch self {
        case .expectedCRLF: ClientError(.expectedCRLF, "the manager did not find the end of the body (EXPECTED_CRLF)")
        case .jobTooBig: ClientError(.jobTooBig, "the body is larger than the manager accepts (JOB_TOO_BIG)")
        case .draining: ClientError(.draining, "the manager accepts no more tasks (DRAINING)")
        case .outOfMemory: ClientError(.outOfMemory, "the manager has no room (OUT_OF_MEMORY)")
        case .internalError: ClientError(.internalError, "the manager failed (INTERNAL_ERROR)")
        case .badFormat: ClientError(.badFormat, "the manager did not understand the request (BAD_FORMAT)")
        case .unknownCommand: ClientError(.unknownCommand, "the manager does not know the command (UNKNOWN_COMMAND)")
        case .notFound: ClientError(.notFound, "there is no such task or tube (NOT_FOUND)")
        case .sessionTaken: ClientError(.sessionTaken, "another connection attached the session (SESSION_TAKEN)")
        case .unauthorized: ClientError(.unauthorized, "the manager does not know this client (UNAUTHORIZED)")
        case .forbidden: ClientError(.forbidden, "the client has no right to do this in this tube (FORBIDDEN)")
        case .notIgnored: ClientError(.notIgnored, "a connection must watch at least one tube (NOT_IGNORED)")
        case .inserted, .buriedTask, .using, .reserved, .deadlineSoon, .timedOut, .deleted, .released, .buried,
            .touched, .watching, .found, .kicked, .kickedTask, .ok, .paused, .exists, .session, .cleared, .broken,
            .ended, .serving, .movedTask, .moved, .edited, .authenticated:
            nil
        }
    }
}
