/// Prepares the statements of the batches, and knows each by its name.
///
/// A test compares the plan of every statement in it with what is expected, so a statement without an expected plan
/// fails.
final class StatementRegistry {
    private let database: Database

    /// All statements, in the order in which they were prepared.
    private(set) var all: [(name: String, statement: Statement)] = []

    init(_ database: Database) {
        self.database = database
    }

    /// Prepares a statement and enters it.
    ///
    /// - Parameters:
    ///   - name: what it does; each name is used once.
    ///   - sql: its text.
    /// - Returns: the statement.
    /// - Throws: SQLite's error.
    func prepare(_ name: String, _ sql: String) throws(SQLiteError) -> Statement {
        let statement = try database.prepare(sql)
        all.append((name, statement))
        return statement
    }
}
