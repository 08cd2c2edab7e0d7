import CSQLite
import CSQLiteShims
import TaskStore

/// Who holds, or is to hold, each task of a range: what the SQL function `holder_for(id)` answers on this connection.
///
/// With it one statement can claim or delete tasks for many sessions, and still names the session for each.
final class HolderFunction {
    /// How many tasks a range has at most.
    static let capacity = 128

    // Memory of its own that stays where it is, since SQLite's function reads it through a pointer.
    private let memory = UnsafeMutablePointer<beanrow_holders>.allocate(capacity: 1)
    private let holders = UnsafeMutablePointer<Int64>.allocate(capacity: capacity)

    /// Adds the function to a connection, which must not outlive this object while statements run that use it.
    init(_ database: Database) throws(SQLiteError) {
        memory.initialize(to: beanrow_holders(first: 0, count: 0, holders: holders))
        try database.addHolderFunction(memory)
    }

    deinit {
        memory.deallocate()
        holders.deallocate()
    }

    /// Sets whose the tasks are, from one on.
    ///
    /// - Parameters:
    ///   - first: the first task.
    ///   - count: how many tasks; those beyond ``capacity`` have no holder.
    ///   - session: asked for each task's session, by its place in the range.
    func set(_ first: Int64, count: Int, _ session: (Int) -> SessionID) {
        let count = min(count, Self.capacity)
        for index in 0..<count { holders[index] = session(index).rawValue }
        memory.pointee.first = first
        memory.pointee.count = Int32(count)
    }
}
