public import ArgumentParser
public import TaskStore

extension ManagerAddress: ExpressibleByArgument {
    /// Reads an address from a command line.
    public init?(argument: String) {
        self.init(argument)
    }

    /// The address as `--help` shows it.
    public var defaultValueDescription: String { description }
}

extension NetworkAddress: ExpressibleByArgument {
    /// Reads `HOST:PORT` from a command line.
    public init?(argument: String) {
        self.init(argument)
    }

    /// The address as `--help` shows it.
    public var defaultValueDescription: String { description }
}
