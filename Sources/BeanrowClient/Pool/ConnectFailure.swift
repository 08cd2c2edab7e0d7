internal import NIOCore
internal import NIOPosix
internal import Transport

/// Describes why a connection could not be made.
enum ConnectFailure {
    /// Returns the reason in a few words, for people.
    static func reason(_ error: any Error) -> String {
        switch error {
        case let error as ClientError:
            error.message
        case let error as TransportError:
            error.description
        case let error as NIOConnectionError:
            reason(error)
        case let error as IOError:
            text(error.errnoCode)
        case let error as ChannelError:
            if case .connectTimeout = error { "no answer" } else { "\(error)" }
        default:
            TransportFailure.text(error)
        }
    }

    private static func reason(_ error: NIOConnectionError) -> String {
        var reasons: [String] = []
        for failure in error.connectionErrors.map({ reason($0.error) }) where !reasons.contains(failure) {
            reasons.append(failure)
        }
        return reasons.isEmpty ? "unknown host" : reasons.joined(separator: ", ")
    }

    private static func text(_ code: CInt) -> String {
        guard let text = strerror(code) else { return "error \(code)" }
        return String(cString: text).lowercased()
    }
}
