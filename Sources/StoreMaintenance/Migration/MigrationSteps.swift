/// How a migration uses one kind of database.
protocol MigrationSteps: Sendable {
    /// Returns the versions.
    func status() throws -> Migration.Status

    /// Returns the SQL of the steps after a version.
    func sql(from found: Int64) -> String

    /// Runs the missing steps.
    func run() throws

    /// Runs SQL and undoes it.
    func rehearse(_ sql: String) throws
}
