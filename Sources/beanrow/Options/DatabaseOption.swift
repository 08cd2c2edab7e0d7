internal import ArgumentParser
internal import CommandLineSupport
internal import Foundation
internal import StoreMaintenance

/// The option for commands that open the database themselves.
struct DatabaseOption: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            """
            The database: a file, or a PostgreSQL server such as postgres://user@host/name. (default: BEANROW_DATABASE, or \
            tasks.db)
            """,
            valueName: "file or URI"
        )
    )
    var database: String?

    /// The value.
    var text: String {
        database ?? ProcessInfo.processInfo.environment["BEANROW_DATABASE"].flatMap { $0.isEmpty ? nil : $0 }
            ?? "tasks.db"
    }

    /// The database.
    var location: DatabaseLocation {
        switch StoreChoice(text) {
        case .file(let path): .file(path)
        case .server(let address): .server(address)
        }
    }

    func validate() throws {
        guard !StoreChoice.isMistaken(text) else {
            throw ValidationError("--database must be a file, or a server such as postgres://user@host/name")
        }
    }

    /// Returns the path of the file.
    ///
    /// - Parameter instead: what a person does with a server instead.
    /// - Returns: the path.
    /// - Throws: ``Failure`` if the database is on a server.
    func file(instead: String) throws -> String {
        guard case .file(let path) = location else {
            throw Failure("the database is on a PostgreSQL server: \(instead)")
        }
        return path
    }
}
