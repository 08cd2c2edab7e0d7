import Foundation

/// The database of one test, on a running PostgreSQL server.
final class ServerDatabase: Sendable {
    /// Its address, for managers and psql.
    let address: String

    private let server: String
    private let name = "test_" + UUID().uuidString.lowercased().replacing("-", with: "_")

    /// Creates the database.
    ///
    /// - Parameter server: the address of another database on the same server.
    /// - Throws: an error if it cannot be created.
    init(on server: String) throws {
        guard var parts = URLComponents(string: server) else { throw HarnessError("not a URI: \(server)") }
        parts.path = "/" + name
        guard let address = parts.string else { throw HarnessError("not a URI: \(server)") }
        self.server = server
        self.address = address
        _ = try Self.run("CREATE DATABASE \(name)", at: server)
    }

    /// Removes it, even if there are connections.
    func remove() {
        if !TestSettings.keepsFiles { _ = try? Self.run("DROP DATABASE \(name) WITH (FORCE)", at: server) }
    }

    /// Runs statements with psql, and returns its output.
    func sql(_ statements: String) throws -> String {
        try Self.run("SET search_path TO beanrow; \(statements)", at: address)
    }

    /// Returns the tubes with wrong counts.
    func differentCounts() throws -> String {
        try sql(
            """
            SELECT name, counted, found FROM (
                SELECT name,
                    (SELECT concat_ws('/', coalesce(sum(pending), 0), coalesce(sum(urgent), 0), coalesce(sum(delayed), 0),
                        coalesce(sum(claimed), 0), coalesce(sum(buried), 0)) FROM tube_count WHERE tube = name) AS counted,
                    (SELECT concat_ws('/', count(*) FILTER (WHERE state = 'pending'),
                        count(*) FILTER (WHERE state = 'pending' AND priority < 1024),
                        count(*) FILTER (WHERE state = 'delayed'), count(*) FILTER (WHERE state = 'claimed'),
                        count(*) FILTER (WHERE state = 'buried')) FROM task_state WHERE tube = name) AS found
                FROM tube
            ) AS compared WHERE counted <> found
            """
        )
    }

    private static func run(_ statements: String, at address: String) throws -> String {
        let child = try ChildProcess("psql", ["-XqAt", "-v", "ON_ERROR_STOP=1", "-d", address, "-c", statements])
        guard try child.waitForEnd() == .exited(0) else { throw HarnessError("\(statements)\n\(child.errors.text)") }
        return child.output.lines.joined(separator: "\n")
    }
}
