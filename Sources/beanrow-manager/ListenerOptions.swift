internal import ArgumentParser
internal import Manager
internal import TaskStore
internal import Transport

/// The options that say where the manager listens, and what protects the connections.
struct ListenerOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "A place to accept connections at: HOST:PORT or unix:/path. May be repeated. (default: 127.0.0.1:11300)",
            discussion: """
                Port 0 picks a free port. The default exists only if no listener is given. Connections are not \
                encrypted.
                """,
            valueName: "address"
        ),
        transform: { try Listener($0) }
    )
    var listen: [Listener] = []

    @Option(
        help: ArgumentHelp(
            "A place to accept connections with TLS at. May be repeated. Needs --tls-certificate and --tls-key.",
            valueName: "host:port"
        ),
        transform: { try Listener($0, security: .tls) }
    )
    var listenTls: [Listener] = []

    @Option(
        help: ArgumentHelp(
            "The certificate for TLS (PEM), and behind it those between it and the CA. SIGHUP reads it again.",
            valueName: "file"
        )
    )
    var tlsCertificate: String?

    @Option(
        help: ArgumentHelp(
            "The private key of the certificate (PEM, without a passphrase). No other user may read it.",
            valueName: "file"
        )
    )
    var tlsKey: String?

    @Option(
        help: ArgumentHelp(
            "The CAs that sign the certificates of clients (PEM). No other CA is trusted.",
            valueName: "file"
        )
    )
    var tlsClientCa: String?

    @Option(
        help: ArgumentHelp(
            "Whether clients need a certificate if --tls-client-ca is given: required or optional. (default: required)",
            valueName: "mode"
        )
    )
    var tlsClient: ClientMode?

    @Option(
        help: ArgumentHelp(
            """
            The permissions of unix sockets; a user that may write can connect. (default: 600, or 660 with \
            --socket-group)
            """,
            valueName: "octal"
        )
    )
    var socketMode: FileMode?

    @Option(
        help: ArgumentHelp("The group of unix sockets. (default: that of the process)", valueName: "name or number")
    )
    var socketGroup: GroupID?

    /// Whether clients need a certificate.
    enum ClientMode: String, ExpressibleByArgument {
        case required
        case optional
    }

    func validate() throws {
        if listenTls.isEmpty {
            for (name, value) in [
                ("--tls-certificate", tlsCertificate), ("--tls-key", tlsKey), ("--tls-client-ca", tlsClientCa),
                ("--tls-client", tlsClient?.rawValue),
            ] where value != nil {
                throw ValidationError("\(name) needs --listen-tls")
            }
        } else if tlsCertificate == nil || tlsKey == nil {
            throw ValidationError("--listen-tls needs --tls-certificate and --tls-key")
        }
        if tlsClient != nil, tlsClientCa == nil { throw ValidationError("--tls-client needs --tls-client-ca") }
        try checkSockets()
        var addresses: Set<Listener.Address> = []
        for listener in listeners where !listener.picksPort {
            guard addresses.insert(listener.address).inserted else {
                throw ValidationError("\(listener) is given twice")
            }
        }
    }

    private func checkSockets() throws {
        let hasSocket = listen.contains { if case .unix = $0.address { true } else { false } }
        guard !hasSocket else { return }
        if socketMode != nil { throw ValidationError("--socket-mode needs --listen unix:/path") }
        if socketGroup != nil { throw ValidationError("--socket-group needs --listen unix:/path") }
    }

    /// All listeners: those without TLS first, each kind in the order of the command line.
    var listeners: [Listener] {
        let all = listen + listenTls
        return all.isEmpty ? [Listener(.network(NetworkAddress(host: "127.0.0.1")))] : all
    }

    /// Returns the settings of a manager with these listeners, and reads the certificates.
    ///
    /// - Throws: `TransportError` if a certificate or a key cannot be used.
    func settings() throws(TransportError) -> ListenerSettings {
        let mode = socketMode?.rawValue ?? (socketGroup == nil ? 0o600 : 0o660)
        return ListenerSettings(
            listeners,
            sockets: SocketOptions(mode: mode, group: socketGroup?.rawValue),
            tls: try files.map { files throws(TransportError) in try ServerTLS(files) }
        )
    }

    private var files: ServerTLS.Files? {
        guard let tlsCertificate, let tlsKey else { return nil }
        var files = ServerTLS.Files(certificate: tlsCertificate, key: tlsKey)
        if let tlsClientCa {
            files.clients =
                tlsClient == .optional ? .optional(authorities: tlsClientCa) : .required(authorities: tlsClientCa)
        }
        return files
    }
}

extension Listener {
    /// Whether it listens on a port that the system picks.
    fileprivate var picksPort: Bool {
        if case .network(let address) = address { address.port == 0 } else { false }
    }
}
