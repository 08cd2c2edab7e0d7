internal import NIOCore
internal import NIOSSL
internal import Synchronization

/// The certificate, the key and the client CAs of TLS listeners, which can be exchanged while the manager runs.
///
/// A connection keeps what it began with.
public final class ServerTLS: Sendable {
    /// The files.
    public struct Files: Hashable, Sendable {
        /// The certificates that are shown to clients, the manager's own first (PEM).
        public var certificate: String

        /// The private key (PEM, without a passphrase).
        public var key: String

        /// What is asked of clients.
        public var clients: ClientCertificates

        /// Creates a value from its parts.
        public init(certificate: String, key: String, clients: ClientCertificates = .notAsked) {
            self.certificate = certificate
            self.key = key
            self.clients = clients
        }
    }

    /// What is asked of clients.
    public enum ClientCertificates: Hashable, Sendable {
        /// No client is asked for a certificate.
        case notAsked

        /// A client may have none. One that is shown must be signed by a CA in this file.
        case optional(authorities: String)

        /// A client must have a certificate that is signed by a CA in this file.
        case required(authorities: String)
    }

    /// What was read from the files, and checked.
    public struct Loaded: Sendable {
        let context: NIOSSLContext

        /// When the first of the certificates expires, in seconds since 1970.
        public let validUntil: Int
    }

    /// The files.
    public let files: Files

    private let current: Mutex<Loaded>

    /// Reads the files.
    ///
    /// Blocks while the disk works.
    ///
    /// - Throws: ``TransportError`` if a file is missing, cannot be read, must not be trusted (``TrustedFile``), has no
    ///   certificate or key, or has expired; and if the key does not fit the certificate.
    public init(_ files: Files) throws(TransportError) {
        self.files = files
        self.current = Mutex(try Self.load(files))
    }

    /// Reads and checks the files again.
    ///
    /// Connections get the result only after ``use(_:)``. Blocks while the disk works.
    ///
    /// - Throws: the errors of ``init(_:)``.
    public func reload() throws(TransportError) -> Loaded { try Self.load(files) }

    /// Uses certificates and keys for all connections from now on.
    public func use(_ loaded: Loaded) { current.withLock { $0 = loaded } }

    /// What new connections use.
    public var loaded: Loaded { current.withLock { $0 } }

    private static func load(_ files: Files) throws(TransportError) -> Loaded {
        let chain = try CertificateFile.chain(files.certificate)
        let key = try CertificateFile.key(files.key)
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) },
            privateKey: .privateKey(key)
        )
        configuration.minimumTLSVersion = .tlsv12
        configuration.shutdownTimeout = .seconds(1)
        switch files.clients {
        case .notAsked:
            configuration.certificateVerification = .none
        case .optional(let path):
            configuration.certificateVerification = .optionalVerification
            try trust(path, &configuration)
        case .required(let path):
            configuration.certificateVerification = .noHostnameVerification
            try trust(path, &configuration)
        }
        do {
            let context = try NIOSSLContext(configuration: configuration)
            return Loaded(context: context, validUntil: chain.map { $0.notValidAfter }.min() ?? 0)
        } catch {
            throw TransportError(
                "the key",
                files.key,
                "does not fit the certificate \(files.certificate), or one of them cannot be used for TLS"
            )
        }
    }

    /// Trusts the CAs of a file, and no others.
    private static func trust(_ path: String, _ configuration: inout TLSConfiguration) throws(TransportError) {
        let authorities = try CertificateFile.authorities(path, as: "the client CA")
        configuration.trustRoots = .certificates(authorities)
        // Clients with several certificates choose by these names.
        configuration.sendCANameList = true
    }
}
