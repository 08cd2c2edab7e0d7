/// A pair of statements that adds several tasks at once.
///
/// For every statement that adds to a table with AUTOINCREMENT SQLite reads and writes the table's last number, apart from
/// what starting and ending a statement costs: of 64 tasks at once each takes 1.6 µs, of 16 2.0, where one alone takes 3.7.
struct MultiRowInsert {
    /// How many tasks.
    let rows: Int

    /// Adds the rows of `task_state`.
    ///
    /// Parameter 1 is the time, then five parameters a task: tube, priority, delay, time to run, and when a delayed one is
    /// due.
    let states: Statement

    /// Adds the rows of `task_body`, three parameters a task: number, body and checksum.
    let bodies: Statement

    /// For 64 tasks, and for each half of that down to 2, the largest first: so that any number takes few
    /// statements.
    static func all(_ database: Database) throws(SQLiteError) -> [MultiRowInsert] {
        var all: [MultiRowInsert] = []
        for rows in [64, 32, 16, 8, 4, 2] { all.append(try MultiRowInsert(rows: rows, database)) }
        return all
    }

    // "OR FAIL", since without it SQLite copies every page that a statement changes, to undo that statement alone if one of
    // its rows is refused: 5 % of a pipelined put. Here whatever error there is undoes the batch.
    private init(rows: Int, _ database: Database) throws(SQLiteError) {
        self.rows = rows
        let states = (0..<rows)
            .map { row in
                let first = Self.firstParameter(ofState: row)
                return """
                    (?\(first), iif(?\(first + 4) IS NULL, 'pending', 'delayed'), ?\(first + 1), ?\(first + 2), ?\(first + 3), \
                    ?1, ?\(first + 4))
                    """
            }
        self.states = try database.prepare(
            """
            INSERT OR FAIL INTO task_state (tube_id, state, priority, delay_s, ttr_s, created_ms, due_ms)
            VALUES \(states.joined(separator: ", "))
            """
        )
        let bodies = (0..<rows).map { "(?\($0 * 3 + 1), ?\($0 * 3 + 2), ?\($0 * 3 + 3))" }
        self.bodies = try database.prepare(
            "INSERT OR FAIL INTO task_body (id, body, checksum) VALUES \(bodies.joined(separator: ", "))"
        )
    }

    /// The first of a row's five parameters in ``states``.
    static func firstParameter(ofState row: Int) -> Int32 { Int32(2 + row * 5) }
}
