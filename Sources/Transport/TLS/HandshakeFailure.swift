/// The reason why a handshake ended without a connection.
public enum HandshakeFailure: Hashable, Sendable, CustomStringConvertible {
    /// It took longer than ``HandshakeLimits/timeout``.
    case timedOut

    /// The client has sent more than ``HandshakeLimits/bytes``.
    case tooLarge

    /// There were ``HandshakeLimits/count`` newer ones.
    case tooMany

    /// The client has closed the connection.
    case closed

    /// The client and the manager cannot agree, or a certificate is refused; with the reason.
    case refused(String)

    /// The reason as one line for a person.
    public var description: String {
        switch self {
        case .timedOut: "the client did not complete it in time"
        case .tooLarge: "the client sent too many bytes"
        case .tooMany: "too many clients connect at the same time"
        case .closed: "the client closed the connection"
        case .refused(let reason): reason
        }
    }
}
