import TaskStore

/// Consecutive operations that only delete tasks and claim others, all claims from one tube: what consumers do.
///
/// A delete of a task that its session holds and a claim that finds a task do not affect each other, whatever their
/// order.
struct DeletesAndClaims {
    /// A task to delete, and the index of its operation.
    typealias Delete = (task: Int64, operation: Int)

    let operations: ArraySlice<Operation>

    /// The deletes, sorted by task.
    private(set) var deletes: [Delete] = []

    /// For each task to claim, the index of its operation.
    private(set) var claims: [Int] = []

    /// The tube to claim from; nil if there are no claims.
    private(set) var tube: TubeName?

    /// Takes the operations from an index on, as long as they fit.
    init(_ operations: [Operation], from start: Int) {
        var end = start
        deletes.reserveCapacity(min(operations.count - start, HolderFunction.capacity))
        claims.reserveCapacity(min(operations.count - start, PendingPrefetch.capacity))
        loop: while end < operations.count, deletes.count < HolderFunction.capacity {
            guard operations[end].access == nil else { break loop }
            switch operations[end].action {
            case .delete(let id):
                deletes.append((id.rawValue, end))
            case .claim(let tubes, let count, _):
                guard tubes.count == 1, tube == nil || tube == tubes[0], count > 0,
                    claims.count + count <= PendingPrefetch.capacity
                else { break loop }
                tube = tubes[0]
                for _ in 0..<count { claims.append(end) }
            default:
                break loop
            }
            end += 1
        }
        self.operations = operations[start..<end]
        deletes.sort { $0.task < $1.task }
    }

    /// The number of operations.
    var count: Int { operations.count }

    /// The deletes in ranges of consecutive ids; nil if a task is deleted twice.
    var ranges: [ArraySlice<Delete>]? {
        var ranges: [ArraySlice<Delete>] = []
        var start = 0
        for index in deletes.indices.dropFirst() {
            let (last, next) = (deletes[index - 1].task, deletes[index].task)
            if next == last { return nil }
            if next == last &+ 1 { continue }
            ranges.append(deletes[start..<index])
            start = index
        }
        if !deletes.isEmpty { ranges.append(deletes[start...]) }
        return ranges
    }
}
