public import ArgumentParser
public import BeanrowClient
internal import TaskStore
public import Transport

/// The options that say where the managers are.
public struct ManagerOptions: ParsableArguments {
    /// The addresses of the managers.
    @Option(
        help: ArgumentHelp(
            "Addresses of managers of the same database.",
            discussion: """
                One is enough, since each manager has all tasks. With several, another one is used if one cannot be \
                reached or fails. An address is HOST:PORT, beanrow+tls://HOST:PORT or unix:/path. Write IPv6 \
                addresses in brackets. The default port is \(ManagerAddress.defaultPort). BEANROW_MANAGERS sets another \
                default.
                """,
            valueName: "address,..."
        )
    )
    public var managers = ManagerList.standard

    /// The file with the CAs that may sign the managers' certificates.
    @Option(
        help: ArgumentHelp(
            "The CAs that may sign the managers' certificates (PEM). (default: those that the system trusts)",
            valueName: "file"
        )
    )
    public var tlsCa: String?

    /// The file with the client's certificate.
    @Option(
        help: ArgumentHelp("The certificate to show to managers that ask for one (PEM).", valueName: "file")
    )
    public var tlsCertificate: String?

    /// The file with the certificate's key.
    @Option(
        help: ArgumentHelp("The private key of the certificate (PEM, without a passphrase).", valueName: "file")
    )
    public var tlsKey: String?

    /// How long to try if no manager can be reached, in seconds.
    @Option(
        help: ArgumentHelp(
            "How long to try if no manager can be reached, from 0 to 1000000000 seconds.",
            valueName: "seconds"
        )
    )
    public var connectTimeout = 10.0

    /// The token of the client.
    @OptionGroup public var token: TokenOptions

    /// Creates options with the defaults.
    public init() {}

    /// Refuses a timeout that is out of range, a variable that is no list of addresses, and options of TLS that have no
    /// use.
    public func validate() throws {
        if let text = ManagerList.fromEnvironment, ManagerList(argument: text) == nil {
            throw ValidationError("\(ManagerList.variable) must be addresses like host:port, separated by commas")
        }
        if !managers.addresses.contains(where: \.hasTLS) {
            for (name, value) in [
                ("--tls-ca", tlsCa), ("--tls-certificate", tlsCertificate), ("--tls-key", tlsKey),
            ] where value != nil {
                throw ValidationError("\(name) needs an address that begins with \(ManagerAddress.tlsPrefix)")
            }
        }
        if (tlsCertificate == nil) != (tlsKey == nil) {
            throw ValidationError("--tls-certificate and --tls-key need each other")
        }
        guard connectTimeout >= 0, connectTimeout <= 1e9 else {
            throw ValidationError("--connect-timeout must be from 0 to 1000000000 seconds")
        }
    }

    /// Creates a client of these managers, which is not connected yet.
    ///
    /// - Parameters:
    ///   - selection: which manager gets the next request.
    ///   - putsWithKeys: whether puts carry keys, so that they can be repeated.
    /// - Returns: the client.
    /// - Throws: `TransportError` if a file of TLS cannot be used.
    public func makeClient(
        selection: ManagerSelection,
        putsWithKeys: Bool = true
    ) throws(TransportError) -> BeanrowClient {
        var options = BeanrowClient.Options()
        options.selection = selection
        options.putsWithKeys = putsWithKeys
        options.token = token.token
        options.failoverTimeout = .seconds(connectTimeout)
        options.connectTimeout = min(options.connectTimeout, max(options.failoverTimeout, .milliseconds(100)))
        if managers.addresses.contains(where: \.hasTLS) {
            options.tls = try ClientTLS(authorities: tlsCa, certificate: tlsCertificate, key: tlsKey)
        }
        return BeanrowClient(managers: managers.addresses, options: options)
    }
}
