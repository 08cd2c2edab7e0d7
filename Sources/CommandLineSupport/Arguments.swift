public import ArgumentParser
public import BeanrowClient
public import TaskStore

extension ManagerAddress: ExpressibleByArgument {
    /// Reads `HOST:PORT` from a command line.
    public init?(argument: String) {
        self.init(argument)
    }

    /// The address as it is written in help.
    public var defaultValueDescription: String { description }
}

extension TubeName: ExpressibleByArgument {
    /// Reads a tube's name from a command line.
    public init?(argument: String) {
        self.init(argument)
    }

    /// The name as it is written in help.
    public var defaultValueDescription: String { text }
}

/// Several managers' addresses, written with commas between.
public struct ManagerList: ExpressibleByArgument, Sendable, Equatable {
    /// The addresses in their order; at least one.
    public var addresses: [ManagerAddress]

    /// Makes a list.
    public init(_ addresses: [ManagerAddress]) {
        self.addresses = addresses
    }

    /// Reads `HOST:PORT[,HOST:PORT…]` from a command line.
    public init?(argument: String) {
        guard let addresses = ManagerAddress.list(argument), addresses.allSatisfy({ $0.port > 0 }) else { return nil }
        self.addresses = addresses
    }

    /// The list as it is written in help.
    public var defaultValueDescription: String {
        addresses.map(\.description).joined(separator: ",")
    }
}
