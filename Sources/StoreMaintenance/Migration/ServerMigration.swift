internal import PostgresStore
internal import TaskStore

/// The migration of the tables on a PostgreSQL server.
struct ServerMigration: MigrationSteps {
    /// The version of libpq, and the version of the tables that this program knows.
    static var library: String { PostgresConnection.libraryVersion }
    static var schema: Int64 { Schema.version }

    /// The server's URI.
    var address: String

    func status() throws -> Migration.Status {
        try connected { connection in
            guard try connection.ask("SELECT to_regclass('schema_version') IS NOT NULL").bool(0, 0) else {
                return Migration.Status(found: nil, wanted: Schema.version)
            }
            let found = try connection.ask("SELECT max(version) FROM schema_version").int64(0, 0)
            guard found < Schema.unfinishedImport else {
                throw StoreError(
                    .unusable,
                    "PostgreSQL: an import is not complete: run the same `beanrow import` again"
                )
            }
            return Migration.Status(found: found, wanted: Schema.version)
        }
    }

    func sql(from found: Int64) -> String { Schema.steps(from: found) }

    func run() throws {
        try connected { connection in
            try Schema.establish(connection, PostgresMaintenance.schema, until: .now + .seconds(60))
        }
    }

    func rehearse(_ sql: String) throws {
        try connected { connection in
            try connection.execute("BEGIN;\n\(sql);\nROLLBACK")
        }
    }

    private func connected<Value>(_ body: (PostgresConnection) throws -> Value) throws -> Value {
        do {
            return try body(PostgresMaintenance.connect(address))
        } catch let error as PostgresError {
            throw error.storeError
        }
    }
}
