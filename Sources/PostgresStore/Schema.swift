import TaskStore

/// Whether a database has our tables, and how it gets them.
///
/// ### Versions
/// A database has a version, the number of the last **step** that was run on it. A program knows one version. The first
/// program of a newer version that is started runs the steps that are missing, in one transaction, and replaces all functions
/// with its own. So every change of a table or of a function in the SQL files is a new version: a database that exists gets
/// it no other way.
///
/// Managers of the version before go on beside it until they are stopped. If a manager of that version is started on the
/// newer tables, it refuses them.
enum Schema {
    /// The version that this program reads and writes; also in `schema-postgres.sql`.
    static let version: Int64 = 2

    /// What brings a database from a version to the next one: SQL before and after the functions are replaced.
    private static let steps: [Int64: (before: [UInt8], after: [UInt8])] = [
        1: (PackageResources.migration_2_sql, PackageResources.migration_2_managers_sql)
    ]

    /// The key of the advisory lock under which tables are made: "Bean", and the schema's name.
    private static let lock = "1113940334, hashtext(current_setting('search_path'))"

    /// How long a step waits for the locks of other transactions before it lets those behind it go on, and tries again.
    private static let lockTimeout = 200

    /// How long it lets them go on.
    private static let pause = Duration.milliseconds(300)

    /// Makes the tables and functions that are missing, or brings them up to date.
    ///
    /// Managers that start at the same time wait for each other. A process that dies in the middle leaves nothing behind.
    ///
    /// - Parameters:
    ///   - link: a connection that is not in pipeline mode.
    ///   - schema: the schema's name.
    ///   - deadline: when waiting for other managers and for other programs' transactions ends.
    /// - Throws: ``StoreError/Code/unusable`` if the tables are another application's, or newer than this program;
    ///   ``StoreError/Code/inUse`` if another transaction was in the way for too long; ``PostgresError``.
    static func establish(_ link: Link, _ schema: String, until deadline: ContinuousClock.Instant) throws {
        try link.execute(
            "SET client_min_messages TO warning; SET search_path TO \(quoted(schema))",
            until: deadline
        )
        try takeLock(link, until: deadline)
        // The lock ends with the connection if this is not reached.
        defer { try? link.execute("SELECT pg_advisory_unlock(\(lock))", until: deadline + .seconds(1)) }
        if try !link.ask("SELECT current_schema() IS NOT NULL", until: deadline).bool(0, 0) {
            try link.execute("CREATE SCHEMA \(quoted(schema))", until: deadline)
        }
        guard try link.ask("SELECT to_regclass('schema_version') IS NOT NULL", until: deadline).bool(0, 0) else {
            return try create(link, schema, until: deadline)
        }
        let found = try link.ask("SELECT max(version) FROM schema_version", until: deadline).int64(0, 0)
        if found == version { return }
        guard found < version else {
            throw StoreError(
                .unusable,
                "PostgreSQL: made by a newer Beanrow (schema version \(found), this one knows \(version))"
            )
        }
        try migrate(link, from: found, until: deadline)
    }

    private static func takeLock(_ link: Link, until deadline: ContinuousClock.Instant) throws {
        while try !link.ask("SELECT pg_try_advisory_lock(\(lock))", until: deadline).bool(0, 0) {
            guard ContinuousClock.now < deadline - .milliseconds(100) else {
                throw StoreError(.inUse, "PostgreSQL: another manager is making or changing the tables")
            }
            Pause.sleep(.milliseconds(20))
        }
    }

    private static func create(_ link: Link, _ schema: String, until deadline: ContinuousClock.Instant) throws {
        let isEmpty = try link.ask(
            "SELECT NOT EXISTS (SELECT 1 FROM pg_class WHERE relnamespace = current_schema()::regnamespace)",
            until: deadline
        )
        guard isEmpty.bool(0, 0) else {
            throw StoreError(.unusable, "PostgreSQL: the schema \(schema) is of another application")
        }
        try inTransaction(link, [text(PackageResources.schema_postgres_sql)] + functions, until: deadline)
    }

    private static func migrate(_ link: Link, from found: Int64, until deadline: ContinuousClock.Instant) throws {
        var (before, after): ([String], [String]) = ([], [])
        for number in found..<version {
            guard let step = steps[number] else {
                throw StoreError(.unusable, "PostgreSQL: no way is known from schema version \(found)")
            }
            before.append(text(step.before))
            after.append(text(step.after))
        }
        let sql = ["SET LOCAL lock_timeout TO \(lockTimeout)"] + before + [commonFunctions] + functions + after
        while true {
            do {
                return try inTransaction(link, sql, until: deadline)
            } catch {
                guard error.meaning == .locked || error.meaning == .retry else { throw error }
                guard ContinuousClock.now < deadline - pause * 2 else {
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

    /// The functions that managers call.
    private static var functions: [String] {
        [
            PackageResources.functions_batch_sql, PackageResources.functions_plain_batch_sql,
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
        _ link: Link,
        _ parts: [String],
        until deadline: ContinuousClock.Instant
    ) throws(PostgresError) {
        do {
            try link.execute("BEGIN;\n\(parts.joined(separator: ";\n"));\nCOMMIT", until: deadline)
        } catch {
            if !link.isBroken { try? link.execute("ROLLBACK", until: deadline + .seconds(1)) }
            throw error
        }
    }
}
