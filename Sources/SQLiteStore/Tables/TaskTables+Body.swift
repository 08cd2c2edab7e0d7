import CPlatform
import TaskStore

/// Bodies are stored with a checksum. SQLite finds damage only if it breaks the structure of a page, not within a row,
/// so without the checksum a body that the disk returns wrong would not be noticed.
extension TaskTables {
    struct BodyStatements {
        let read: Statement
        let readRange: Statement

        init(_ registry: StatementRegistry) throws(SQLiteError) {
            read = try registry.prepare("read body", "SELECT body, checksum FROM task_body WHERE id = ?1")
            readRange = try registry.prepare(
                "read bodies of range",
                "SELECT id, body, checksum FROM task_body WHERE id BETWEEN ?1 AND ?2"
            )
        }
    }

    /// Returns the checksum of a body: CRC-32C of the task's id and the body, so that the body of another task is
    /// noticed too.
    static func checksum(of body: [UInt8], _ id: Int64) -> Int64 {
        let start = withUnsafeBytes(of: id.littleEndian) { beanrow_checksum(0, $0.baseAddress, $0.count) }
        return Int64(body.withUnsafeBytes { beanrow_checksum(start, $0.baseAddress, $0.count) })
    }

    /// Reads the body of a task that is being claimed.
    ///
    /// - Throws: an error of damage if it is not what was put; see ``takeDamagedTask()``.
    func readBody(_ id: Int64) throws(SQLiteError) -> [UInt8] {
        let statement = statements.body.read
        statement.bind(id)
        guard try statement.step() else { throw damaged(id) }
        defer { statement.reset() }
        guard let body = Self.checkedBody(of: id, in: statement, at: 0) else { throw damaged(id) }
        return body
    }

    /// Reads a body and its checksum, which follows it, from a row of a result.
    ///
    /// - Returns: nil if they do not match. The body of a task that was put with SQL has no checksum and always
    ///   matches.
    static func checkedBody(of id: Int64, in statement: Statement, at column: Int32) -> [UInt8]? {
        let body = statement.bytes(column)
        guard let checksum = statement.optionalInt(column + 1) else { return body }
        return checksum == self.checksum(of: body, id) ? body : nil
    }

    /// Makes the error for a task whose body is missing or is not what was put, and remembers the task.
    func damaged(_ id: Int64) -> SQLiteError {
        damagedTask = id
        return SQLiteError(corrupt: "the body of task \(id) is not what was put")
    }

    /// Returns the task whose damaged body was the reason for the last error, and forgets it; nil if there was another
    /// reason.
    func takeDamagedTask() -> TaskID? {
        defer { damagedTask = nil }
        return damagedTask.map { TaskID(rawValue: $0) }
    }

    /// Buries a task whose body is damaged, in whatever state it is.
    ///
    /// - Returns: false if it is buried already, or gone.
    /// - Throws: SQLite's error.
    func buryDamaged(_ id: TaskID) throws(SQLiteError) -> Bool {
        guard let task = try findTask(id), task.state != .buried else { return false }
        var holder = ClaimHolder(rawValue: task.holder)
        if task.state != .claimed {
            // As if this manager had claimed it.
            holder = ClaimHolder(SessionID(connection: 0, of: manager))
            guard try claimRow(of: task, for: holder) else { return false }
        }
        guard try bury(id, priority: UInt32(clamping: task.priority), by: holder) == .buried else { return false }
        durability = .everything
        return true
    }
}
