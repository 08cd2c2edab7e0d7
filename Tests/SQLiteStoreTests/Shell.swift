@testable import SQLiteStore

/// SQL as anybody's program would run it.
extension Database {
    /// All rows of a query, columns joined by `|`, NULL as nothing.
    func rows(_ sql: String, columns: Int32 = 1) throws -> [String] {
        let statement = try prepare(sql)
        defer { statement.finalize() }
        var rows: [String] = []
        while try statement.step() {
            rows.append((0..<columns).map { statement.text($0) }.joined(separator: "|"))
        }
        return rows
    }

    /// What SQLite complains about when it runs this; nothing where it does not.
    func complaint(_ sql: String) -> String? {
        do {
            try execute(sql)
            return nil
        } catch {
            return error.message
        }
    }

    /// All that a change could change: every row of every table.
    func everything() throws -> [String] {
        try rows("SELECT * FROM tube ORDER BY id", columns: 13)
            + rows("SELECT * FROM task_state ORDER BY id", columns: 15)
            + rows("SELECT id, hex(body) FROM task_body ORDER BY id", columns: 2)
            + rows("SELECT * FROM sqlite_sequence ORDER BY name", columns: 2)
    }
}
