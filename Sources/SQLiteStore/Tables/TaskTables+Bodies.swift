import CPlatform
import TaskStore

/// Bodies are stored with a checksum, since nothing else would notice where a disk gives back other bytes than it got:
/// SQLite finds damage where it breaks the structure of a page, not within a row.
extension TaskTables {
    /// What belongs to a body: CRC-32C of the task's number and the body, so that a body of another task is noticed too.
    static func checksum(of body: [UInt8], _ id: Int64) -> Int64 {
        let start = withUnsafeBytes(of: id.littleEndian) { beanrow_checksum(0, $0.baseAddress, $0.count) }
        return Int64(body.withUnsafeBytes { beanrow_checksum(start, $0.baseAddress, $0.count) })
    }

    /// Reads a task's body, to hand it out.
    ///
    /// - Throws: an error of damage where it is not what was put, with ``damagedTask`` set.
    func body(_ id: Int64) throws(SQLiteError) -> [UInt8] {
        let statement = statements.readBody
        statement.bind(id)
        guard try statement.step() else { throw damaged(id) }
        defer { statement.reset() }
        guard let body = Self.body(of: id, in: statement, at: 0) else { throw damaged(id) }
        return body
    }

    /// A body and its checksum in a row of a result, first the one and then the other.
    ///
    /// - Returns: nothing where they do not fit; what somebody has put with SQL has no checksum and fits always.
    static func body(of id: Int64, in statement: Statement, at column: Int32) -> [UInt8]? {
        let body = statement.bytes(column)
        guard let checksum = statement.optionalInt(column + 1) else { return body }
        return checksum == self.checksum(of: body, id) ? body : nil
    }

    /// What to throw where a task's body is not there or is not what was put.
    func damaged(_ id: Int64) -> SQLiteError {
        damagedTask = id
        return SQLiteError(corrupt: "the body of task \(id) is not what was put")
    }

    /// Buries a task that cannot be handed out, whatever is becoming of it.
    ///
    /// - Returns: false where it is buried already, or gone.
    func setAside(_ id: TaskID) throws(SQLiteError) -> Bool {
        guard let task = try task(id), task.state != .buried else { return false }
        var holder = SessionID(rawValue: task.holder)
        if task.state != .claimed {
            // As if this manager had claimed it.
            holder = SessionID(connection: 0, of: manager)
            statements.claimByID.bind(holder.rawValue, now, id.rawValue)
            guard try statements.claimByID.run() == 1 else { return false }
            left(task, id, of: try tube(task.tube))
            count(try tube(task.tube), from: (task.state, task.priority), to: (.claimed, task.priority))
        }
        return try bury(id, priority: UInt32(clamping: task.priority), by: holder) == .buried
    }
}
