import CSQLite
package import TaskStore

/// Finds out whether a file is a database of Beanrow, and makes it one.
package enum Schema {
    /// The number in the file's header that identifies the format: "Bean".
    ///
    /// Also in `schema.sql`.
    static let applicationID: Int64 = 0x4265_616E

    /// The version that this program reads and writes.
    ///
    /// Also in `schema.sql`.
    package static let version: Int64 = 4

    /// What a file is.
    package enum Condition: Equatable {
        /// Empty.
        case empty

        /// Beanrow's, of this version.
        case current

        /// Beanrow's, of an older version.
        case older(Int64)
    }

    /// Finds out what a file is.
    ///
    /// - Throws: ``StoreError/Code/unusable`` if it is not Beanrow's, or newer than this program.
    package static func inspect(_ database: Database) throws(StoreError) -> Condition {
        let application: Int64
        let version: Int64
        let tables: Int64
        do {
            // In one transaction: another manager may be making the tables.
            try database.execute("BEGIN")
            application = try database.integer("PRAGMA application_id") ?? 0
            version = try database.integer("PRAGMA user_version") ?? 0
            tables = try database.integer("SELECT count(*) FROM sqlite_schema") ?? 0
            try database.execute("COMMIT")
        } catch {
            try? database.rollBack()
            throw error.whileOpening(database.path)
        }
        if application == 0, version == 0, tables == 0 { return .empty }
        guard application == applicationID else {
            throw StoreError(.unusable, "\(database.path): \(foreign(database, application))")
        }
        guard version <= Self.version else {
            throw StoreError(
                .unusable,
                "\(database.path): made by a newer Beanrow (schema version \(version), this one knows \(Self.version))"
            )
        }
        return version == Self.version ? .current : .older(version)
    }

    /// Describes a database that does not have Beanrow's number, and what to do if it is Beanrow's nevertheless.
    ///
    /// The shell's `.dump` and `.recover` write no application_id and no user_version.
    private static func foreign(_ database: Database, _ application: Int64) -> String {
        let tables = "name IN ('task_state', 'task_body', 'tube', 'tube_user', 'manager')"
        let ours = (try? database.integer("SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND \(tables)")) ?? 0
        guard application == 0, ours == 5 else { return "the database of another application" }
        let version = versionByTables(database)
        return """
            it has Beanrow's tables but not its application_id, which .dump and .recover leave out. If it was restored from \
            Beanrow's file: sqlite3 \(database.path) 'PRAGMA application_id = \(applicationID); PRAGMA user_version = \(version)'
            """
    }

    /// Finds out the version of a database that has Beanrow's tables from what each version has added.
    private static func versionByTables(_ database: Database) -> Int64 {
        func has(_ sql: String) -> Bool { (try? database.integer(sql)) == 1 }
        if has("SELECT count(*) FROM sqlite_schema WHERE name = 'store_event'") { return version }
        if has("SELECT count(*) FROM sqlite_schema WHERE name = 'claim_clock'") { return 3 }
        return has("SELECT count(*) FROM pragma_table_info('task_body') WHERE name = 'checksum'") ? 2 : 1
    }

    /// Makes the tables, or migrates them to this version, in one transaction.
    ///
    /// The writer lock is held.
    ///
    /// - Parameters:
    ///   - database: the database.
    ///   - migrations: SQL that migrates from a version to the next one.
    /// - Throws: ``StoreError/Code/unusable``; the file is unchanged then.
    package static func establish(
        _ database: Database,
        migrations: [Int64: String] = Self.migrations
    ) throws(StoreError) {
        switch try inspect(database) {
        case .current:
            return
        case .empty:
            let sql = String(decoding: PackageResources.schema_sql, as: UTF8.self)
            try inTransaction(database, sql)
        case .older(let version):
            for old in version..<Self.version where migrations[old] == nil {
                throw StoreError(.unusable, "\(database.path): no way is known from schema version \(old)")
            }
            try inTransaction(database, steps(from: version, migrations))
        }
        guard try inspect(database) == .current else {
            throw StoreError(.unusable, "\(database.path): the schema did not come out as it should")
        }
    }

    /// Returns the SQL that migrates from a version to this one.
    package static func steps(from version: Int64, _ migrations: [Int64: String] = Self.migrations) -> String {
        (version..<Self.version).map { (migrations[$0] ?? "") + "PRAGMA user_version = \($0 + 1);\n" }.joined()
    }

    /// SQL that migrates from a version to the next one.
    ///
    /// Managers of the old version may be running at the same time, and use the new tables until they end. So a step
    /// may add something, but not remove anything.
    package static let migrations: [Int64: String] = [
        // Bodies get checksums; existing bodies have none.
        1: """
        ALTER TABLE task_body ADD COLUMN checksum INTEGER;
        CREATE TRIGGER task_body_changed AFTER UPDATE OF body ON task_body WHEN NEW.checksum IS NOT NULL BEGIN
            UPDATE task_body SET checksum = NULL WHERE id = NEW.id;
        END;

        """,
        // Claims get a clock of their own, and the views show it.
        2: """
        DROP VIEW claim_overview;
        DROP VIEW task_overview;

        """
            + ["TABLE claim_clock", "VIEW task_overview", "VIEW claim_overview"].map(definition).joined()
            + "INSERT INTO claim_clock (id, ahead_ms) VALUES (1, 0);\n",
        // Operators see and steer managers. A manager of an older version leaves draining NULL.
        3: """
        DROP VIEW manager_overview;
        ALTER TABLE manager ADD COLUMN host TEXT NOT NULL DEFAULT '';
        ALTER TABLE manager ADD COLUMN draining INTEGER CHECK (draining IN (0, 1));
        ALTER TABLE manager ADD COLUMN figures TEXT NOT NULL DEFAULT '';

        """
            + ["TABLE store_event", "VIEW manager_overview"].map(definition).joined(),
    ]

    /// Finds the statement in `schema.sql` that creates something, so that a new file and an old one get the same.
    private static func definition(of thing: String) -> String {
        let sql = String(decoding: PackageResources.schema_sql, as: UTF8.self)
        // Statements end with a semicolon at the end of a line. Triggers contain others, and are not searched for.
        guard let start = sql.firstRange(of: "CREATE \(thing) "),
            let end = sql[start.lowerBound...].firstRange(of: ";\n")
        else { return "" }
        return sql[start.lowerBound..<end.upperBound] + "\n"
    }

    private static func inTransaction(_ database: Database, _ sql: String) throws(StoreError) {
        do {
            try database.execute("BEGIN IMMEDIATE")
            try database.execute(sql)
            try database.execute("COMMIT")
        } catch {
            try? database.rollBack()
            throw error.whileOpening(database.path)
        }
    }
}

extension SQLiteError {
    /// Returns what the error means for a program that tries to open a database.
    ///
    /// - Parameter path: the file.
    /// - Returns: the error, with a message.
    package func whileOpening(_ path: String) -> StoreError {
        switch primaryCode {
        case SQLITE_NOTADB: StoreError(.unusable, "\(path): not a SQLite database")
        case SQLITE_CORRUPT: StoreError(.unusable, "\(path): the database is damaged (\(message))")
        case SQLITE_BUSY, SQLITE_LOCKED, SQLITE_PROTOCOL:
            StoreError(.inUse, "\(path): another program holds the database: \(FileUsers.describe(path))")
        case _ where isFull: StoreError(.full, "\(path): no space left (\(message))")
        default: StoreError(.unusable, "\(path): \(message) (SQLite error \(code))")
        }
    }
}
