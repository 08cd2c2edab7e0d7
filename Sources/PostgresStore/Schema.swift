import TaskStore

/// Whether a database has our tables, and how it gets them.
enum Schema {
    /// The version that this program reads and writes; also in `schema-postgres.sql`.
    static let version: Int64 = 1

    /// The key of the advisory lock under which tables are made: "Bean", and the schema's name.
    private static let lock = "1113940334, hashtext(current_setting('search_path'))"

    /// Makes the tables and functions that are missing, or brings them up to date.
    ///
    /// Managers that start at the same time wait for each other.
    ///
    /// - Throws: ``StoreError/Code/unusable`` where the tables are another application's, or newer than this program;
    ///   ``PostgresError``.
    static func establish(_ link: Link, _ schema: String) throws {
        try link.execute("SET client_min_messages TO warning; SET search_path TO \(quoted(schema))")
        try link.execute("SELECT pg_advisory_lock(\(lock))")
        // The lock ends with the connection where this is not reached.
        defer { try? link.execute("SELECT pg_advisory_unlock(\(lock))") }
        if try !link.ask("SELECT current_schema() IS NOT NULL").bool(0, 0) {
            try link.execute("CREATE SCHEMA \(quoted(schema))")
        }
        if try !link.ask("SELECT to_regclass('schema_version') IS NOT NULL").bool(0, 0) {
            let isEmpty = try link.ask(
                "SELECT NOT EXISTS (SELECT 1 FROM pg_class WHERE relnamespace = current_schema()::regnamespace)"
            )
            guard isEmpty.bool(0, 0) else {
                throw StoreError(.unusable, "PostgreSQL: the schema \(schema) is of another application")
            }
            try inTransaction(link, String(decoding: PackageResources.schema_postgres_sql, as: UTF8.self))
        }
        let found = try link.ask("SELECT max(version) FROM schema_version").int64(0, 0)
        guard found == version else {
            throw StoreError(
                .unusable,
                found > version
                    ? "PostgreSQL: made by a newer Beanrow (schema version \(found), this one knows \(version))"
                    : "PostgreSQL: no way is known from schema version \(found)"
            )
        }
        let hasFunctions = try link.ask(
            """
            SELECT EXISTS (
                SELECT 1 FROM pg_proc WHERE proname = 'run_batch_1' AND pronamespace = current_schema()::regnamespace
            )
            """
        )
        if !hasFunctions.bool(0, 0) {
            let functions = [
                PackageResources.functions_batch_sql, PackageResources.functions_plain_batch_sql,
                PackageResources.functions_managers_sql,
            ]
            try inTransaction(link, functions.map { String(decoding: $0, as: UTF8.self) }.joined(separator: "\n"))
        }
    }

    private static func inTransaction(_ link: Link, _ sql: String) throws(PostgresError) {
        do {
            try link.execute("BEGIN;\n\(sql);\nCOMMIT")
        } catch {
            try? link.execute("ROLLBACK")
            throw error
        }
    }
}
