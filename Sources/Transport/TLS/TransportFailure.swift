internal import NIOSSL

/// Describes why TLS has failed.
public enum TransportFailure {
    /// Describes an error in a few words, for people.
    ///
    /// - Parameter error: an error of TLS, or any other.
    /// - Returns: the words, without a full stop.
    public static func text(_ error: any Error) -> String {
        switch error {
        case NIOSSLError.handshakeFailed(let error), NIOSSLError.shutdownFailed(let error): reason(error)
        case NIOSSLError.uncleanShutdown: "it ended without the message that ends TLS"
        case NIOSSLError.unableToValidateCertificate, NIOSSLError.noCertificateToValidate: "no valid certificate"
        case let error as BoringSSLError: reason(error)
        case let error as NIOSSLExtraError where error == .failedToValidateHostname:
            "the certificate is for another host"
        default: "\(error)"
        }
    }

    private static func reason(_ error: BoringSSLError) -> String {
        guard case .sslError(let stack) = error, let last = stack.first else { return "\(error)" }
        let text = "\(last)"
        for (mark, reason) in reasons where text.contains(mark) { return reason }
        return text
    }

    /// Words in the names of BoringSSL's errors, and what they mean.
    private static let reasons = [
        ("CERTIFICATE_VERIFY_FAILED", "the certificate is not trusted"),
        ("PEER_DID_NOT_RETURN_A_CERTIFICATE", "the client has no certificate"),
        ("CERTIFICATE_REQUIRED", "the manager asks for a client certificate"),
        ("UNKNOWN_CA", "the other side does not trust the certificate"),
        ("BAD_CERTIFICATE", "the other side does not accept the certificate"),
        ("CERTIFICATE_EXPIRED", "the other side says that the certificate has expired"),
        ("CERTIFICATE_UNKNOWN", "the other side does not accept the certificate"),
        ("UNSUPPORTED_PROTOCOL", "no common version of TLS"),
        ("PROTOCOL_VERSION", "no common version of TLS"),
        ("WRONG_VERSION_NUMBER", "the other side does not speak TLS"),
        ("HTTP_REQUEST", "the other side does not speak TLS"),
        ("EOF during handshake", "the other side closed the connection"),
    ]
}
