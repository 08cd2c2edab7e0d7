/// Why the client could not do what it was asked.
///
/// What matters most after an error is whether the thing may have happened all the same: ``mayHaveHappened``.
public struct ClientError: Error, Sendable, CustomStringConvertible {
    /// The kind of trouble.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private enum Kind: String {
            case notConnected
            case noManagerReachable
            case connectionLost
            case putOutcomeUnknown
            case claimLost
            case timedOut
            case cancelled
            case closed
            case protocolViolation
            case notFound
            case draining
            case outOfMemory
            case internalError
            case jobTooBig
            case badFormat
            case expectedCRLF
            case unknownCommand
            case notIgnored
            case sessionTaken
        }

        private var kind: Kind

        private init(_ kind: Kind) {
            self.kind = kind
        }

        /// The connection was gone before anything was sent: nothing has happened.
        public static let notConnected = Code(.notConnected)

        /// None of the managers could be connected to for as long as the client tries.
        ///
        /// ``ClientError/attempts`` names them and says why. Nothing has happened.
        public static let noManagerReachable = Code(.noManagerReachable)

        /// The connection was lost after the request was sent and before its answer came: it may have happened.
        public static let connectionLost = Code(.connectionLost)

        /// The same for a put: the task may be in the queue or not.
        ///
        /// It is never put again by the library.
        public static let putOutcomeUnknown = Code(.putOutcomeUnknown)

        /// The task is not ours any more.
        ///
        /// Its connection was lost, its time to run was over, it was finished before, or somebody removed it. Where it
        /// still exists it will be picked up again.
        public static let claimLost = Code(.claimLost)

        /// The manager did not answer in time, and the connection was given up; the request may have happened.
        public static let timedOut = Code(.timedOut)

        /// The task that asked was cancelled; the request may have been carried out.
        public static let cancelled = Code(.cancelled)

        /// The client was closed.
        public static let closed = Code(.closed)

        /// What came over the connection is not the protocol; the connection was given up.
        public static let protocolViolation = Code(.protocolViolation)

        /// `NOT_FOUND`: there is no such task or tube, or it is in no state for this.
        public static let notFound = Code(.notFound)

        /// `DRAINING`: the manager takes no more tasks.
        public static let draining = Code(.draining)

        /// `OUT_OF_MEMORY`: the manager has no room.
        public static let outOfMemory = Code(.outOfMemory)

        /// `INTERNAL_ERROR`: the manager failed.
        public static let internalError = Code(.internalError)

        /// `JOB_TOO_BIG`: the body is larger than the manager takes.
        public static let jobTooBig = Code(.jobTooBig)

        /// `BAD_FORMAT`: the manager did not understand the request.
        public static let badFormat = Code(.badFormat)

        /// `EXPECTED_CRLF`: the manager missed the end of a body.
        public static let expectedCRLF = Code(.expectedCRLF)

        /// `UNKNOWN_COMMAND`: the manager does not know the command.
        public static let unknownCommand = Code(.unknownCommand)

        /// `NOT_IGNORED`: a connection has to watch a tube.
        public static let notIgnored = Code(.notIgnored)

        /// `SESSION_TAKEN`: another connection has taken up the session, and its claims with it.
        public static let sessionTaken = Code(.sessionTaken)

        /// The code's name.
        public var description: String { kind.rawValue }
    }

    /// One manager that could not be connected to, and why.
    public struct Attempt: Sendable, Equatable, CustomStringConvertible {
        /// The manager's address.
        public var address: ManagerAddress

        /// Why it could not be reached, for a person to read.
        public var reason: String

        /// Makes an attempt.
        public init(address: ManagerAddress, reason: String) {
            self.address = address
            self.reason = reason
        }

        /// The address and the reason.
        public var description: String { "\(address) (\(reason))" }
    }

    /// The kind of trouble.
    public var code: Code

    /// One line for a person.
    public var message: String

    /// The manager it happened with, where it was one.
    public var address: ManagerAddress?

    /// The managers tried, where none was reachable.
    public var attempts: [Attempt]

    /// Makes an error.
    public init(_ code: Code, _ message: String, address: ManagerAddress? = nil, attempts: [Attempt] = []) {
        self.code = code
        self.message = message
        self.address = address
        self.attempts = attempts
    }

    /// Whether the request may have been carried out although no answer came.
    public var mayHaveHappened: Bool {
        code == .connectionLost || code == .putOutcomeUnknown || code == .timedOut || code == .cancelled
            || code == .protocolViolation
    }

    /// The same trouble as it looks to a request that was sent and not answered.
    var afterSending: ClientError {
        var error = self
        if code == .closed || code == .notConnected {
            error.code = .connectionLost
        }
        return error
    }

    /// The same trouble as it looks to a request that was not sent.
    var beforeSending: ClientError {
        var error = self
        if code == .connectionLost || code == .timedOut || code == .protocolViolation {
            error.code = .notConnected
        }
        return error
    }

    /// The message with the manager it is about.
    public var description: String {
        guard let address else { return message }
        return "\(address): \(message)"
    }
}
