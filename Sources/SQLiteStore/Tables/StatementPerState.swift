/// The same statement for each state in which tasks of a tube have an order.
struct StatementPerState {
    private let pending: Statement
    private let delayed: Statement
    private let buried: Statement

    /// Prepares the statements.
    ///
    /// - Parameters:
    ///   - registry: enters them.
    ///   - name: the beginning of their names; the state follows.
    ///   - sql: makes the statement for a state.
    /// - Throws: SQLite's error.
    init(
        _ registry: StatementRegistry,
        _ name: String,
        _ sql: (OrderedState) -> String
    ) throws(SQLiteError) {
        pending = try registry.prepare("\(name) pending", sql(.pending))
        delayed = try registry.prepare("\(name) delayed", sql(.delayed))
        buried = try registry.prepare("\(name) buried", sql(.buried))
    }

    subscript(state: OrderedState) -> Statement {
        switch state {
        case .pending: pending
        case .delayed: delayed
        case .buried: buried
        }
    }
}
