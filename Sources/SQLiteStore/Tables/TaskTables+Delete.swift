import TaskStore

extension TaskTables {
    struct DeleteStatements {
        let unclaimed: Statement
        let claimed: Statement
        let remembered: Statement
        let range: Statement
        let rememberedRange: Statement
        let readRange: Statement
        let body: Statement
        let bodyRange: Statement

        init(_ registry: StatementRegistry) throws(SQLiteError) {
            unclaimed = try registry.prepare(
                "delete unclaimed task",
                "DELETE FROM task_state WHERE id = ?1 AND state <> 'claimed'"
            )
            claimed = try registry.prepare(
                "delete claimed task",
                "DELETE FROM task_state WHERE id = ?1 AND holder = ?2"
            )
            remembered = try registry.prepare(
                "delete remembered task",
                "DELETE FROM task_state WHERE id = ?1 AND holder = ?2 AND tube_id = ?3 AND keyed = ?4"
            )
            range = try registry.prepare(
                "delete range",
                "DELETE FROM task_state NOT INDEXED WHERE id BETWEEN ?1 AND ?2 AND holder = holder_for(id)"
            )
            rememberedRange = try registry.prepare(
                "delete remembered range",
                """
                DELETE FROM task_state NOT INDEXED
                WHERE id BETWEEN ?1 AND ?2 AND holder = holder_for(id) AND tube_id = ?3 AND keyed = 0
                """
            )
            readRange = try registry.prepare(
                "read range to delete",
                "SELECT tube_id, state, holder, keyed, id FROM task_state NOT INDEXED WHERE id BETWEEN ?1 AND ?2"
            )
            body = try registry.prepare("delete body", "DELETE FROM task_body WHERE id = ?1")
            bodyRange = try registry.prepare(
                "delete bodies of range",
                "DELETE FROM task_body WHERE id BETWEEN ?1 AND ?2"
            )
        }
    }

    /// Deletes a task that is held by this holder, or that is not held.
    func delete(_ id: TaskID, by holder: ClaimHolder) throws(SQLiteError) -> Outcome {
        if try deleteRemembered(id, by: holder) { return .deleted }
        guard let task = try findTask(id) else { return .notFound }
        let changed: Int
        if task.state == .claimed {
            statements.delete.claimed.bind(id.rawValue, holder.rawValue)
            changed = try statements.delete.claimed.run()
        } else {
            statements.delete.unclaimed.bind(id.rawValue)
            changed = try statements.delete.unclaimed.run()
        }
        guard changed == 1 else { return .notFound }
        try finished(task, in: try tube(withID: task.tube))
        return .deleted
    }

    /// Deletes a task that was claimed through this manager not long ago, without reading its row first.
    ///
    /// - Returns: false if its row is not what it was then. Nothing has happened in that case.
    /// - Throws: SQLite's error.
    private func deleteRemembered(_ id: TaskID, by holder: ClaimHolder) throws(SQLiteError) -> Bool {
        guard let claim = recentClaims[id.rawValue] else { return false }
        let statement = statements.delete.remembered
        statement.bind(id.rawValue, holder.rawValue, claim.tube, claim.isKeyed ? 1 : 0)
        guard try statement.run() == 1 else { return false }
        try finishedClaimed(id.rawValue, claim)
        return true
    }

    /// Finds out whether the tasks of a range are held by their sessions.
    ///
    /// The rows of tasks that were claimed here not long ago are not read: the statement that deletes them compares.
    ///
    /// - Parameters:
    ///   - deletes: deletes of tasks with consecutive ids.
    ///   - holder: returns what holds the claims of an operation's session.
    /// - Returns: nil if one of the tasks is not held by its session.
    /// - Throws: SQLite's error.
    func heldRange(
        _ deletes: ArraySlice<DeletesAndClaims.Delete>,
        _ holder: (Int) -> ClaimHolder
    ) throws(SQLiteError) -> HeldRange? {
        guard let first = deletes.first?.task, let last = deletes.last?.task else { return nil }
        if let claims = recentClaims.ofOneTube(first, count: deletes.count) {
            return HeldRange(deletes: deletes, claims: claims, isRemembered: true)
        }
        let statement = statements.delete.readRange
        statement.bind(first, last)
        defer { statement.reset() }
        var claims: [RecentClaims.Claim] = []
        claims.reserveCapacity(deletes.count)
        for delete in deletes {
            guard try statement.step(), statement.int(4) == delete.task,
                TaskState(firstByte: statement.firstByte(1)) == .claimed,
                statement.int(2) == holder(delete.operation).rawValue
            else { return nil }
            claims.append(RecentClaims.Claim(tube: statement.int(0), isKeyed: statement.int(3) != 0))
        }
        return HeldRange(deletes: deletes, claims: claims, isRemembered: false)
    }

    /// Deletes a range of tasks.
    ///
    /// - Parameters:
    ///   - range: the tasks.
    ///   - missed: receives the operations that have done nothing, because what is remembered of their tasks is no
    ///     longer true.
    ///   - holder: returns what holds the claims of an operation's session.
    /// - Throws: SQLite's error.
    func deleteRange(
        _ range: HeldRange,
        missing missed: inout [Int],
        _ holder: (Int) -> ClaimHolder
    ) throws(SQLiteError) {
        let deletes = range.deletes
        guard let first = deletes.first?.task, let last = deletes.last?.task else { return }
        holderFunction.set(first, count: deletes.count) { holder(deletes[deletes.startIndex + $0].operation) }
        let statement = range.isRemembered ? statements.delete.rememberedRange : statements.delete.range
        statement.bind(first, last)
        if range.isRemembered { statement.bind(range.claims[0].tube, at: 3) }
        guard try statement.run() == deletes.count else {
            guard range.isRemembered else {
                throw SQLiteError(corrupt: "tasks \(first) to \(last) changed while they were being deleted")
            }
            return try finishPartOfRange(range, missing: &missed)
        }
        try finishedClaimed(from: first, range.claims)
    }

    /// Finishes the tasks of a range whose rows were deleted, if not all of them were.
    private func finishPartOfRange(_ range: HeldRange, missing missed: inout [Int]) throws(SQLiteError) {
        for (delete, claim) in zip(range.deletes, range.claims) {
            // The body of a task that existed before is still there.
            statements.body.read.bind(delete.task)
            let existed = try statements.body.read.step()
            statements.body.read.reset()
            if existed, try findTask(TaskID(rawValue: delete.task)) == nil {
                try finishedClaimed(delete.task, claim)
            } else {
                missed.append(delete.operation)
            }
        }
    }
}
