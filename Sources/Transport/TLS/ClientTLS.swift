public import NIOCore
internal import NIOSSL

/// How a client uses TLS: the authorities that it trusts, and its own certificate.
///
/// The manager's certificate must be signed by one of the authorities, and must be valid for the host name or the IP
/// address that the client connects to.
public struct ClientTLS: Sendable {
    private let context: NIOSSLContext

    /// Reads the files.
    ///
    /// Blocks while the disk works.
    ///
    /// - Parameters:
    ///   - authorities: the file with the CAs that may sign the managers' certificates (PEM); `nil` for those that the
    ///     system trusts.
    ///   - certificate: the file with the client's certificate and those between it and the CA (PEM), if managers ask
    ///     for one.
    ///   - key: the file with its key (PEM, without a passphrase).
    /// - Throws: ``TransportError`` if a file is missing, cannot be read, must not be trusted (``TrustedFile``), has
    ///   nothing in PEM form, or has expired; if the key does not fit the certificate; and if only one of the two is
    ///   given.
    public init(authorities: String? = nil, certificate: String? = nil, key: String? = nil) throws(TransportError) {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        configuration.shutdownTimeout = .seconds(1)
        if let authorities {
            let trusted = try CertificateFile.authorities(authorities, as: "the CA")
            configuration.trustRoots = .certificates(trusted)
        }
        switch (certificate, key) {
        case (let certificate?, let key?):
            configuration.certificateChain = try CertificateFile.chain(certificate).map { .certificate($0) }
            configuration.privateKey = .privateKey(try CertificateFile.key(key))
        case (nil, nil):
            break
        case (_?, nil):
            throw TransportError("a certificate needs its key")
        case (nil, _?):
            throw TransportError("a key needs its certificate")
        }
        do {
            context = try NIOSSLContext(configuration: configuration)
        } catch {
            let files = key.map { "the key \($0) does not fit its certificate" }
            throw TransportError(files ?? "the system's CAs cannot be read: \(TransportFailure.text(error))")
        }
    }

    /// Adds TLS to a channel that is not connected yet.
    ///
    /// - Parameters:
    ///   - channel: the channel; called on its event loop.
    ///   - host: the name or the IP address of the manager, which its certificate must have.
    /// - Throws: an error if the host is no possible name.
    public func install(in channel: any Channel, host: String) throws {
        // A literal address has no name to send (RFC 6066). The certificate is compared with the address then.
        let isAddress = (try? SocketAddress(ipAddress: host, port: 0)) != nil
        let handler = try NIOSSLClientHandler(context: context, serverHostname: isAddress ? nil : host)
        let promise = channel.eventLoop.makePromise(of: Void.self)
        try channel.pipeline.syncOperations.addHandlers([handler, ClientHandshakeHandler(promise)])
    }

    /// Waits for the handshake of a channel that was connected after ``install(in:host:)``.
    ///
    /// - Parameters:
    ///   - channel: the channel; called on its event loop.
    ///   - timeout: the longest time.
    /// - Returns: succeeds when the manager is known to be the right one; fails with a ``TransportError``, and closes the
    ///   channel then.
    public static func handshake(of channel: any Channel, timeout: TimeAmount) -> EventLoopFuture<Void> {
        do {
            let handler = try channel.pipeline.syncOperations.handler(type: ClientHandshakeHandler.self)
            return handler.wait(channel, timeout: timeout)
        } catch {
            return channel.eventLoop.makeFailedFuture(TransportError("the connection was closed"))
        }
    }
}
