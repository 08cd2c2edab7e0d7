package import PostgresStore
internal import TaskStore

/// How maintenance uses a PostgreSQL server.
package enum PostgresMaintenance {
    /// The schema that has the tables.
    static let schema = "beanrow"

    /// Connects, and sets the session so that texts in other formats do not depend on the server's settings.
    ///
    /// - Parameter address: a connection URI.
    /// - Returns: the connection, not in pipeline mode.
    /// - Throws: `StoreError` or `PostgresError`.
    package static func connect(_ address: String) throws -> PostgresConnection {
        try ServerAddress.check(address)
        let connection = try PostgresConnection(address)
        try connection.execute(
            """
            SET client_min_messages TO warning; SET search_path TO \(schema); SET bytea_output TO hex;
            SET application_name TO 'beanrow maintenance'
            """
        )
        return connection
    }

    /// Checks that the server has the tables of this version, complete.
    ///
    /// - Throws: `StoreError` or `PostgresError`.
    package static func checkVersion(_ connection: PostgresConnection) throws {
        guard try connection.ask("SELECT to_regclass('schema_version') IS NOT NULL").bool(0, 0) else {
            throw StoreError(.unusable, "PostgreSQL: there are no tables of Beanrow")
        }
        let version = try connection.ask("SELECT max(version) FROM schema_version").int64(0, 0)
        guard version < Schema.unfinishedImport else {
            throw StoreError(.unusable, "PostgreSQL: an import is not complete: run the same `beanrow import` again")
        }
        guard version == Schema.version else {
            throw StoreError(
                .unusable,
                "PostgreSQL: the tables have schema version \(version), and this program knows \(Schema.version)"
                    + (version < Schema.version ? ": run `beanrow migrate`, or start a manager" : "")
            )
        }
    }
}
