import CSQLite
import CSQLiteShims
import TaskStore

/// The SQL function `holder_for(id)` of this connection: the session that holds, or is going to hold, each task of a
/// range.
///
/// With it one statement can claim or delete tasks for many sessions, and still names the session of each task.
final class HolderFunction {
    /// The largest number of tasks in a range.
    static let capacity = 128

    // Memory that does not move, since SQLite's function reads it through a pointer.
    private let memory = UnsafeMutablePointer<beanrow_holders>.allocate(capacity: 1)
    private let holders = UnsafeMutablePointer<Int64>.allocate(capacity: capacity)

    /// Adds the function to a connection.
    ///
    /// Statements that use it must not run after this object has ended.
    init(_ database: Database) throws(SQLiteError) {
        memory.initialize(to: beanrow_holders(first: 0, count: 0, holders: holders))
        try database.addHolderFunction(memory)
    }

    deinit {
        memory.deallocate()
        holders.deallocate()
    }

    /// Sets the range and the session of each of its tasks.
    ///
    /// - Parameters:
    ///   - first: the first task.
    ///   - count: the number of tasks; those beyond ``capacity`` have no holder.
    ///   - session: returns the session of the task at an index of the range.
    func set(_ first: Int64, count: Int, _ session: (Int) -> SessionID) {
        let count = min(count, Self.capacity)
        for index in 0..<count { holders[index] = session(index).rawValue }
        memory.pointee.first = first
        memory.pointee.count = Int32(count)
    }
}
