/// The error of a request.
///
/// A request that failed may have been carried out: see ``mayHaveHappened``.
public struct ClientError: Error, Sendable, CustomStringConvertible {
    /// The kind of an error.
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
            case unauthorized
            case forbidden
        }

        private var kind: Kind

        private init(_ kind: Kind) {
            self.kind = kind
        }

        /// The connection was lost before the request was sent.
        ///
        /// The request was not carried out.
        public static let notConnected = Code(.notConnected)

        /// No manager could be reached until the end of the failover timeout.
        ///
        /// The request was not carried out.
        ///
        /// ``ClientError/attempts`` has the managers and the reasons.
        public static let noManagerReachable = Code(.noManagerReachable)

        /// The connection was lost between the request and its answer.
        ///
        /// The request may have been carried out.
        public static let connectionLost = Code(.connectionLost)

        /// The answer to a put was lost.
        ///
        /// The task may be in the queue.
        ///
        /// The client does not put it again.
        public static let putOutcomeUnknown = Code(.putOutcomeUnknown)

        /// The client does not claim the task any more.
        ///
        /// The claim's connection was lost, its time to run is over, it was finished before, or another client has
        /// removed the task. If the task still exists, a consumer will get it again.
        public static let claimLost = Code(.claimLost)

        /// The manager did not answer in time, and the connection was closed.
        ///
        /// The request may have been carried out.
        public static let timedOut = Code(.timedOut)

        /// The calling task was cancelled.
        ///
        /// The request may have been carried out.
        public static let cancelled = Code(.cancelled)

        /// The client was closed.
        public static let closed = Code(.closed)

        /// The server broke the rules of the protocol, and the connection was closed.
        public static let protocolViolation = Code(.protocolViolation)

        /// `NOT_FOUND`: there is no such task or tube, or the task's state does not allow the command.
        public static let notFound = Code(.notFound)

        /// `DRAINING`: the manager accepts no more tasks.
        public static let draining = Code(.draining)

        /// `OUT_OF_MEMORY`: the manager has no room for the request.
        public static let outOfMemory = Code(.outOfMemory)

        /// `INTERNAL_ERROR`: the manager could not carry out the request.
        public static let internalError = Code(.internalError)

        /// `JOB_TOO_BIG`: the body is larger than the manager accepts.
        public static let jobTooBig = Code(.jobTooBig)

        /// `BAD_FORMAT`: the manager did not understand the request.
        public static let badFormat = Code(.badFormat)

        /// `EXPECTED_CRLF`: the manager did not find the end of a body.
        public static let expectedCRLF = Code(.expectedCRLF)

        /// `UNKNOWN_COMMAND`: the manager does not know the command.
        public static let unknownCommand = Code(.unknownCommand)

        /// `NOT_IGNORED`: a connection must watch at least one tube.
        public static let notIgnored = Code(.notIgnored)

        /// `SESSION_TAKEN`: another connection has attached the session, and has its claims.
        public static let sessionTaken = Code(.sessionTaken)

        /// `UNAUTHORIZED`: the manager asks for a token, or does not know the token of the client.
        public static let unauthorized = Code(.unauthorized)

        /// `FORBIDDEN`: the client has no right to do this in this tube.
        public static let forbidden = Code(.forbidden)

        /// The code's name.
        public var description: String { kind.rawValue }
    }

    /// A manager that could not be reached.
    public struct Attempt: Sendable, Equatable, CustomStringConvertible {
        /// The manager's address.
        public var address: ManagerAddress

        /// The reason, as text for people.
        public var reason: String

        /// Creates a value from its parts.
        public init(address: ManagerAddress, reason: String) {
            self.address = address
            self.reason = reason
        }

        /// The address and the reason.
        public var description: String { "\(address) (\(reason))" }
    }

    /// The kind of the error.
    public var code: Code

    /// One line of text for people.
    public var message: String

    /// The manager that the request was sent to, or `nil` if there was none.
    public var address: ManagerAddress?

    /// The managers that were tried, if none could be reached.
    public var attempts: [Attempt]

    /// Creates an error.
    public init(_ code: Code, _ message: String, address: ManagerAddress? = nil, attempts: [Attempt] = []) {
        self.code = code
        self.message = message
        self.address = address
        self.attempts = attempts
    }

    /// Whether the request may have been carried out, although there is no answer.
    public var mayHaveHappened: Bool {
        code == .connectionLost || code == .putOutcomeUnknown || code == .timedOut || code == .cancelled
            || code == .protocolViolation
    }

    /// The error as reported for a request that was sent and not answered.
    var afterSending: ClientError {
        var error = self
        if code == .closed || code == .notConnected {
            error.code = .connectionLost
        }
        return error
    }

    /// The error as reported for a request that was not sent.
    var beforeSending: ClientError {
        var error = self
        if code == .connectionLost || code == .timedOut || code == .protocolViolation {
            error.code = .notConnected
        }
        return error
    }

    /// The manager's address, if there is one, and the message.
    public var description: String {
        guard let address else { return message }
        return "\(address): \(message)"
    }
}
