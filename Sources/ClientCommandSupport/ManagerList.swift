public import ArgumentParser
internal import Foundation
public import TaskStore

/// The addresses of several managers, separated by commas.
public struct ManagerList: ExpressibleByArgument, Sendable, Equatable {
    /// The variable of the environment that has the default.
    public static let variable = "BEANROW_MANAGERS"

    /// The addresses in their order; at least one.
    public var addresses: [ManagerAddress]

    /// Creates a list.
    public init(_ addresses: [ManagerAddress]) {
        self.addresses = addresses
    }

    /// Reads `ADDRESS[,ADDRESS…]` from a command line.
    ///
    /// Fails if one part is no address, or has the port 0.
    public init?(argument: String) {
        guard let addresses = ManagerAddress.list(argument), addresses.allSatisfy(\.isComplete) else { return nil }
        self.addresses = addresses
    }

    /// The list as `--help` shows it.
    public var defaultValueDescription: String {
        addresses.map(\.description).joined(separator: ",")
    }

    /// The value of ``variable``; the standard port of this machine if it is not set or wrong.
    static var standard: ManagerList {
        fromEnvironment.flatMap { ManagerList(argument: $0) } ?? ManagerList([ManagerAddress(host: "127.0.0.1")])
    }

    /// The value of ``variable`` as text; `nil` if it is not set or empty.
    static var fromEnvironment: String? {
        ProcessInfo.processInfo.environment[variable].flatMap { $0.isEmpty ? nil : $0 }
    }
}
