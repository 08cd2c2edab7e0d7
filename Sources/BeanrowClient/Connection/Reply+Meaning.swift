internal import BeanstalkWire

extension Reply {
    /// Returns the error that this answer is; nil if it is no refusal.
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
