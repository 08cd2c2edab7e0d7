public import ArgumentParser
public import BeanrowClient
internal import TaskStore

/// The flags with which a command finds the managers.
public struct ManagerOptions: ParsableArguments {
    /// Where the managers are.
    @Option(
        help: ArgumentHelp(
            "The managers, all over the same database.",
            discussion: """
                Any of them will do: each sees every task. Where one cannot be reached or dies, another is used. IPv6 \
                addresses go in brackets; without a port it is \(ManagerAddress.defaultPort).
                """,
            valueName: "host:port,..."
        )
    )
    public var managers = ManagerList([ManagerAddress(host: "127.0.0.1")])

    /// How long to go on where no manager can be reached.
    @Option(
        help: ArgumentHelp(
            "Seconds to keep trying, with growing delay, while no manager can be reached, before giving up.",
            valueName: "seconds"
        )
    )
    public var connectTimeout = 10.0

    /// Takes the defaults.
    public init() {}

    /// Refuses a time that is none.
    public func validate() throws {
        guard connectTimeout >= 0, connectTimeout <= 1e9 else {
            throw ValidationError("--connect-timeout has to be a number of seconds, 0 or more.")
        }
    }

    /// A client with these managers.
    ///
    /// - Parameters:
    ///   - pick: how to choose among them.
    ///   - putsWithKeys: whether puts carry keys, so that they can be repeated.
    /// - Returns: the client, not yet connected.
    public func makeClient(pick: PickStrategy, putsWithKeys: Bool = true) -> BeanrowClient {
        var options = BeanrowClient.Options()
        options.pick = pick
        options.putsWithKeys = putsWithKeys
        options.patience = .seconds(connectTimeout)
        options.connectTimeout = min(options.connectTimeout, max(options.patience, .milliseconds(100)))
        return BeanrowClient(managers: managers.addresses, options: options)
    }
}
