/// A pair of statements that adds several tasks at once.
///
/// For every statement that adds to a table with AUTOINCREMENT, SQLite reads and writes the table's last number,
/// besides the cost of starting and ending a statement. A task takes 1.6 µs if 64 are added at once, 2.0 µs of 16, and
/// 3.7 µs alone.
struct MultiRowInsert {
    /// The number of tasks.
    let rows: Int

    /// Adds the rows of `task_state`.
    ///
    /// Parameter 1 is the time. Five parameters per task follow: tube, priority, delay, time to run, and the end of the
    /// delay.
    let states: Statement

    /// Adds the rows of `task_body`.
    ///
    /// Three parameters per task: id, body and checksum.
    let bodies: Statement

    /// Prepares statements for 64 tasks, and for each half of that down to 2, the largest first: so that any number of
    /// tasks takes few statements.
    static func all(_ registry: StatementRegistry) throws(SQLiteError) -> [MultiRowInsert] {
        var all: [MultiRowInsert] = []
        for rows in [64, 32, 16, 8, 4, 2] { all.append(try MultiRowInsert(rows: rows, registry)) }
        return all
    }

    // "OR FAIL", since without it SQLite copies every page that a statement changes, to undo that statement alone if
    // one of its rows is refused. That costs 5 % of a pipelined put. Here any error undoes the whole batch.
    private init(rows: Int, _ registry: StatementRegistry) throws(SQLiteError) {
        self.rows = rows
        let states = (0..<rows)
            .map { row in
                let first = Self.firstParameter(ofState: row)
                return """
                    (?\(first), iif(?\(first + 4) IS NULL, 'pending', 'delayed'), ?\(first + 1), ?\(first + 2), ?\(first + 3), \
                    ?1, ?\(first + 4))
                    """
            }
        self.states = try registry.prepare(
            "add \(rows) tasks",
            """
            INSERT OR FAIL INTO task_state (tube_id, state, priority, delay_s, ttr_s, created_ms, due_ms)
            VALUES \(states.joined(separator: ", "))
            """
        )
        let bodies = (0..<rows).map { "(?\($0 * 3 + 1), ?\($0 * 3 + 2), ?\($0 * 3 + 3))" }
        self.bodies = try registry.prepare(
            "add \(rows) bodies",
            "INSERT OR FAIL INTO task_body (id, body, checksum) VALUES \(bodies.joined(separator: ", "))"
        )
    }

    /// Returns the first of a row's five parameters in ``states``.
    static func firstParameter(ofState row: Int) -> Int32 { Int32(2 + row * 5) }
}
