public import ArgumentParser
public import BeanrowClient
internal import TaskStore

/// The options that say where the managers are.
public struct ManagerOptions: ParsableArguments {
    /// The addresses of the managers.
    @Option(
        help: ArgumentHelp(
            "Addresses of managers of the same database.",
            discussion: """
                One is enough, since each manager has all tasks. With several, another one is used if one cannot be \
                reached or fails. Write IPv6 addresses in brackets. The default port is \
                \(ManagerAddress.defaultPort). BEANROW_MANAGERS sets another default.
                """,
            valueName: "host:port,..."
        )
    )
    public var managers = ManagerList.standard

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

    /// Refuses a timeout that is out of range, and a variable that is no list of addresses.
    public func validate() throws {
        if let text = ManagerList.fromEnvironment, ManagerList(argument: text) == nil {
            throw ValidationError("\(ManagerList.variable) must be addresses like host:port, separated by commas")
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
    public func makeClient(selection: ManagerSelection, putsWithKeys: Bool = true) -> BeanrowClient {
        var options = BeanrowClient.Options()
        options.selection = selection
        options.putsWithKeys = putsWithKeys
        options.token = token.token
        options.failoverTimeout = .seconds(connectTimeout)
        options.connectTimeout = min(options.connectTimeout, max(options.failoverTimeout, .milliseconds(100)))
        return BeanrowClient(managers: managers.addresses, options: options)
    }
}
