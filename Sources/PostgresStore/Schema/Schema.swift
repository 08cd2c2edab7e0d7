import TaskStore

/// Creates and migrates the tables and functions.
///
/// ### Versions
/// A database has a version, the number of the last **migration** that was run on it. A program knows one version. The first
/// program of a newer version runs the missing migrations at its start, in one transaction, and replaces all functions with
/// its own. So each change of a table or of a function in the SQL files needs a new version. Existing databases get it in no
/// other way.
///
/// Running managers of the version before continue beside it. If a manager of that version is started on the newer tables,
/// it refuses them.
package enum Schema {
    /// The version that this program needs; also in `schema-postgres.sql`.
    package static let version: Int64 = 3

    /// What an import adds to the version until it is complete, so that every manager refuses the tables.
    package static let unfinishedImport: Int64 = 1_000_000

    /// The migration from each version to the next: SQL that runs before and after the functions are replaced.
    private static let migrations: [Int64: (before: [UInt8], after: [UInt8])] = [
        1: (PackageResources.migration_2_sql, PackageResources.migration_2_managers_sql),
        2: (PackageResources.migration_3_sql, []),
    ]

    /// The key of the advisory lock under which tables are created and changed: "Bean", and the schema's name.
    private static let lock = "1113940334, hashtext(current_setting('search_path'))"

    /// How long a migration waits for the locks of other transactions before it lets those that wait for it continue.
    private static let lockTimeout = 200

    /// After how long it tries again.
    private static let pause = Duration.milliseconds(300)

    /// Creates the tables and functions, or migrates them.
    ///
    /// Managers that start at the same time wait for each other. A process that dies during this leaves nothing behind.
    ///
    /// - Parameters:
    ///   - connection: a connection that is not in pipeline mode.
    ///   - schema: the schema's name.
    ///   - deadline: when waiting for other managers and for other programs' transactions ends.
    /// - Throws: ``StoreError/Code/unusable`` if the tables are another application's, or newer than this program;
    ///   ``StoreError/Code/inUse`` if another transaction held its locks for too long; ``PostgresError``.
    package static func establish(
        _ connection: PostgresConnection,
        _ schema: String,
        until deadline: ContinuousClock.Instant
    ) throws {
        try connection.execute(
            "\(connection.keepaliveSettings) SET client_min_messages TO warning; SET search_path TO \(quoted(schema))",
            until: deadline
        )
        try takeLock(connection, until: deadline)
        // If this fails, the lock ends with the connection.
        defer { try? connection.execute("SELECT pg_advisory_unlock(\(lock))", until: deadline + .seconds(1)) }
        if try !connection.ask("SELECT current_schema() IS NOT NULL", until: deadline).bool(0, 0) {
            try connection.execute("CREATE SCHEMA \(quoted(schema))", until: deadline)
        }
        guard try connection.ask("SELECT to_regclass('schema_version') IS NOT NULL", until: deadline).bool(0, 0) else {
            return try create(connection, schema, until: deadline)
        }
        let found = try connection.ask("SELECT max(version) FROM schema_version", until: deadline).int64(0, 0)
        if found == version { return }
        guard found < unfinishedImport else {
            throw StoreError(.unusable, "PostgreSQL: an import is not complete: run the same `beanrow import` again")
        }
        guard found < version else {
            throw StoreError(
                .unusable,
                "PostgreSQL: made by a newer Beanrow (schema version \(found), this one knows \(version))"
            )
        }
        try migrate(connection, from: found, until: deadline)
    }

    private static func takeLock(_ connection: PostgresConnection, until deadline: ContinuousClock.Instant) throws {
        while try !connection.ask("SELECT pg_try_advisory_lock(\(lock))", until: deadline).bool(0, 0) {
            guard ContinuousClock.now < connection.end(ofTryingUntil: deadline - .milliseconds(100)) else {
                throw StoreError(.inUse, "PostgreSQL: another manager is making or changing the tables")
            }
            Pause.sleep(.milliseconds(20))
        }
    }

    private static func create(
        _ connection: PostgresConnection,
        _ schema: String,
        until deadline: ContinuousClock.Instant
    ) throws {
        let isEmpty = try connection.ask(
            "SELECT NOT EXISTS (SELECT 1 FROM pg_class WHERE relnamespace = current_schema()::regnamespace)",
            until: deadline
        )
        guard isEmpty.bool(0, 0) else {
            throw StoreError(.unusable, "PostgreSQL: the schema \(schema) is of another application")
        }
        try inTransaction(connection, [text(PackageResources.schema_postgres_sql)] + functions, until: deadline)
    }

    private static func migrate(
        _ connection: PostgresConnection,
        from found: Int64,
        until deadline: ContinuousClock.Instant
    ) throws {
        for number in found..<version where migrations[number] == nil {
            throw StoreError(.unusable, "PostgreSQL: schema version \(found) cannot be migrated")
        }
        let sql = ["SET LOCAL lock_timeout TO \(lockTimeout)", steps(from: found)]
        while true {
            do {
                return try inTransaction(connection, sql, until: deadline)
            } catch {
                guard error.meaning == .locked || error.meaning == .retry else { throw error }
                guard ContinuousClock.now < connection.end(ofTryingUntil: deadline - pause * 2) else {
                    throw StoreError(
                        .inUse,
                        "PostgreSQL: the tables are to be changed for this version, but another program's transaction "
                            + "is open in them; it has to end first (see pg_stat_activity)"
                    )
                }
                Pause.sleep(pause)
            }
        }
    }

    /// Returns the SQL that migrates from a version to this one, and replaces the functions.
    package static func steps(from found: Int64) -> String {
        let missing = (found..<version).compactMap { migrations[$0] }
        let parts =
            missing.map { text($0.before) } + [commonFunctions] + functions + missing.map { text($0.after) }
        return parts.joined(separator: ";\n")
    }

    /// The functions that managers call.
    static var functions: [String] {
        [
            PackageResources.functions_tasks_sql, PackageResources.functions_verbs_sql,
            PackageResources.functions_operator_sql, PackageResources.functions_inspect_sql,
            PackageResources.functions_batch_sql, PackageResources.functions_fast_path_sql,
            PackageResources.functions_managers_sql,
        ]
        .map(text)
    }

    /// The part of `schema-postgres.sql` that each migration runs again.
    private static var commonFunctions: String {
        let lines = text(PackageResources.schema_postgres_sql).split(separator: "\n", omittingEmptySubsequences: false)
        let start = lines.firstIndex(of: "-- == Functions ==") ?? lines.startIndex
        let end = lines.firstIndex(of: "-- == Views ==") ?? lines.endIndex
        return lines[start..<end].joined(separator: "\n")
    }

    private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    private static func inTransaction(
        _ connection: PostgresConnection,
        _ parts: [String],
        until deadline: ContinuousClock.Instant
    ) throws(PostgresError) {
        do {
            try connection.execute("BEGIN;\n\(parts.joined(separator: ";\n"));\nCOMMIT", until: deadline)
        } catch {
            if !connection.isBroken { try? connection.execute("ROLLBACK", until: deadline + .seconds(1)) }
            throw error
        }
    }
}
