import CSQLite
import CSQLiteShims
import TaskStore

/// The SQL function `holder_for(id)` of this connection: what holds, or is going to hold, each task of a range.
///
/// With it one statement can claim or delete tasks for many connections and named sessions, and still names the holder of each task.
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

    /// Sets the range and the holder of each of its tasks.
    ///
    /// - Parameters:
    ///   - first: the first task.
    ///   - count: the number of tasks; those beyond ``capacity`` have no holder.
    ///   - holder: returns the holder of the task at an index of the range.
    func set(_ first: Int64, count: Int, _ holder: (Int) -> ClaimHolder) {
        let count = min(count, Self.capacity)
        for index in 0..<count { holders[index] = holder(index).rawValue }
        memory.pointee.first = first
        memory.pointee.count = Int32(count)
    }
}
