import TaskStore

extension TaskTables {
    /// Runs deletes and claims together, if every delete is of a task that its session holds and every claim finds a
    /// task.
    ///
    /// In ranges of 16 a delete takes 2.0 µs and a claim 3.3 µs; one after the other they take 3.3 µs and 4.4 µs.
    ///
    /// - Parameters:
    ///   - series: the operations.
    ///   - outcomes: receives their outcomes.
    /// - Returns: false if the condition does not hold. Nothing has happened in that case.
    /// - Throws: SQLite's error.
    func performTogether(_ series: DeletesAndClaims, into outcomes: inout [Outcome]) throws(SQLiteError) -> Bool {
        guard let ranges = series.ranges, let holders = try holders(of: series) else { return false }
        let start = series.operations.startIndex
        var tube: Tube?
        if let name = series.tube {
            tube = try findTube(name, withPending: series.claims.count)
            if tube == nil { return false }
        }
        var held: [HeldRange] = []
        held.reserveCapacity(ranges.count)
        for deletes in ranges {
            guard let range = try heldRange(deletes, { holders[$0 - start] }) else { return false }
            held.append(range)
        }

        var missed: [Int] = []
        for range in held { try deleteRange(range, missing: &missed) { holders[$0 - start] } }
        guard missed.isEmpty else {
            try performRest(of: series, missed, into: &outcomes)
            return true
        }
        var claimed: ArraySlice<ClaimedTask> = []
        if let tube { claimed = try claimOnePerHolder(series.claims.map { holders[$0 - start] }, from: tube)[...] }
        for operation in series.operations {
            if case .claim(_, let count, _) = operation.action {
                outcomes.append(.claimed(Array(claimed.prefix(count))))
                claimed = claimed.dropFirst(count)
            } else {
                outcomes.append(.deleted)
            }
        }
        return true
    }

    /// Returns for each operation what holds its claims in the table.
    ///
    /// - Returns: nil if one of the operations may not run, or not together with the others.
    private func holders(of series: DeletesAndClaims) throws(SQLiteError) -> [ClaimHolder]? {
        var holders: [ClaimHolder] = []
        holders.reserveCapacity(series.count)
        for index in series.operations.indices {
            let session = series.operations[index].session
            if isDeferred(session) { return nil }
            guard !namedSessions.isEmpty else {
                holders.append(ClaimHolder(session))
                continue
            }
            guard let holder = try holder(for: session) else { return nil }
            holders.append(holder)
        }
        return holders
    }

    /// Runs the rest of the operations one after the other.
    ///
    /// - Parameters:
    ///   - series: all operations; the deletes that are not in `missed` are done.
    ///   - missed: the deletes that are left.
    ///   - outcomes: receives the outcomes of all operations.
    /// - Throws: SQLite's error.
    private func performRest(
        of series: DeletesAndClaims,
        _ missed: [Int],
        into outcomes: inout [Outcome]
    ) throws(SQLiteError) {
        for (index, operation) in zip(series.operations.indices, series.operations) {
            if case .delete = operation.action, !missed.contains(index) {
                outcomes.append(.deleted)
            } else {
                outcomes.append(try perform(operation))
            }
        }
    }
}
