internal import TaskStore

/// Brings the tables of a database to the version of this program.
///
/// A manager does the same when it starts. Managers of the version before continue beside it.
package struct Migration {
    /// The version that a database has, and the one that this program uses.
    package struct Status: Sendable, Equatable {
        /// The version of the database; `nil` if it has no tables.
        package var found: Int64?
        package var wanted: Int64
    }

    private let steps: any MigrationSteps

    /// Creates a migration.
    ///
    /// - Parameter database: the database, which exists.
    package init(of database: DatabaseLocation) {
        steps =
            switch database {
            case .file(let path): FileMigration(path: path)
            case .server(let address): ServerMigration(address: address)
            }
    }

    /// Returns the versions.
    ///
    /// - Throws: `StoreError`, also if the database is newer than this program.
    package func status() throws -> Status { try steps.status() }

    /// Returns the SQL of the missing steps; empty if there are none.
    ///
    /// - Throws: `StoreError`
    package func sql() throws -> String {
        let status = try status()
        guard let found = status.found, found < status.wanted else { return "" }
        return steps.sql(from: found)
    }

    /// Runs the missing steps in one transaction, and waits until they are on the disk.
    ///
    /// - Throws: `StoreError`; nothing is changed then.
    package func run() throws { try steps.run() }

    /// Runs the missing steps and undoes them, to see whether they work.
    ///
    /// - Throws: `StoreError`
    package func rehearse() throws { try steps.rehearse(sql()) }
}
