public import ArgumentParser
public import TaskStore

extension TubeName: ExpressibleByArgument {
    /// Reads a tube's name from a command line.
    public init?(argument: String) {
        self.init(argument)
    }

    /// The name as `--help` shows it.
    public var defaultValueDescription: String { text }
}
