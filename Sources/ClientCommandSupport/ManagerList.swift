public import ArgumentParser
public import TaskStore

/// The addresses of several managers, separated by commas.
public struct ManagerList: ExpressibleByArgument, Sendable, Equatable {
    /// The addresses in their order; at least one.
    public var addresses: [ManagerAddress]

    /// Creates a list.
    public init(_ addresses: [ManagerAddress]) {
        self.addresses = addresses
    }

    /// Reads `HOST:PORT[,HOST:PORT…]` from a command line.
    ///
    /// Fails if one part is no address, or has the port 0.
    public init?(argument: String) {
        guard let addresses = ManagerAddress.list(argument), addresses.allSatisfy({ $0.port > 0 }) else { return nil }
        self.addresses = addresses
    }

    /// The list as `--help` shows it.
    public var defaultValueDescription: String {
        addresses.map(\.description).joined(separator: ",")
    }
}
