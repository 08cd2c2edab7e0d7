import TaskStore

/// Assigns the rows of operations that ran together to the single operations: the server names only the first of them.
struct GroupedRows {
    private let plan: BatchPlan

    /// The puts that last ran together, and which of them is next.
    private var puts = (first: -1, next: 0)

    /// Which of the deletes that last ran together names which task.
    private var deletes: (first: Int, byTask: [Int64: Int]) = (-1, [:])

    /// The tasks that the last claims got, with their holders and priorities.
    private var claims: [(holder: Int64, priority: Int64, task: ClaimedTask)] = []

    init(_ plan: BatchPlan) {
        self.plan = plan
    }

    /// Returns which put the next row is about.
    ///
    /// The rows come in order.
    mutating func nextPut(from first: Int) -> Int {
        if puts.first != first { puts = (first, first) }
        defer { puts.next += 1 }
        return min(puts.next, plan.range(at: first).upperBound - 1)
    }

    /// Returns which delete names a task.
    mutating func delete(of id: Int64, from first: Int) -> Int {
        let range = plan.range(at: first)
        if range.count == 1 { return first }
        if deletes.first != first {
            deletes = (first, [:])
            for index in range { deletes.byTask[plan.operations[index].id ?? 0] = index }
        }
        return deletes.byTask[id] ?? first
    }

    /// Adds a task that one of the claims got.
    ///
    /// The rows come in any order.
    mutating func addClaim(_ task: ClaimedTask, holder: Int64, priority: Int64) {
        claims.append((holder, priority, task))
    }

    /// Returns the tasks that each claim got, once all rows of the claims were read, and forgets them.
    ///
    /// - Parameter first: the first of the claims.
    /// - Returns: the tasks by operation, in the order in which they are handed out.
    mutating func takeClaims(from first: Int) -> [Int: [ClaimedTask]] {
        guard !claims.isEmpty, first >= 0 else { return [:] }
        claims.sort { ($0.priority, $0.task.id) < ($1.priority, $1.task.id) }
        defer { claims.removeAll() }
        let range = plan.range(at: first)
        // The holder may be a named session, but its claims run alone.
        guard range.count > 1 else { return [first: claims.map(\.task)] }
        var bySession: [Int64: [ClaimedTask]] = [:]
        for (holder, _, task) in claims { bySession[holder, default: []].append(task) }
        var byOperation: [Int: [ClaimedTask]] = [:]
        for index in range {
            let operation = plan.operations[index]
            guard let tasks = bySession[operation.session] else { continue }
            let count = Int(operation.bound ?? 0)
            byOperation[index] = Array(tasks.prefix(count))
            bySession[operation.session] = Array(tasks.dropFirst(count))
        }
        return byOperation
    }
}
