@testable import SQLiteStore

/// SQL as another program would run it.
extension Database {
    /// Returns all rows of a query, with the columns joined by `|` and NULL as an empty text.
    func rows(_ sql: String, columns: Int32 = 1) throws -> [String] {
        let statement = try prepare(sql)
        defer { statement.finalize() }
        var rows: [String] = []
        while try statement.step() {
            rows.append((0..<columns).map { statement.text($0) }.joined(separator: "|"))
        }
        return rows
    }

    /// Returns SQLite's error for a statement; nil if there is none.
    func error(of sql: String) -> String? {
        do {
            try execute(sql)
            return nil
        } catch {
            return error.message
        }
    }

    /// Returns every row of every table.
    func everything() throws -> [String] {
        try rows("SELECT * FROM tube ORDER BY id", columns: 13)
            + rows("SELECT * FROM task_state ORDER BY id", columns: 15)
            + rows("SELECT id, hex(body) FROM task_body ORDER BY id", columns: 2)
            + rows("SELECT * FROM sqlite_sequence ORDER BY name", columns: 2)
    }
}
