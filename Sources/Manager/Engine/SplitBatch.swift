internal import TaskStore

/// A batch that the store refused because of what one of its operations says: it is run in halves, and those in halves again,
/// until that operation stands alone and fails alone.
///
/// Each part is a transaction of its own. What has happened in one stays, whatever becomes of the others.
struct SplitBatch {
    private let operations: [Operation]
    private let run: (Batch) throws(StoreError) -> BatchResult
    private let now: Timestamp
    private var outcomes: [Outcome]

    /// What the parts that have happened add up to.
    private var sum: BatchResult?

    /// Sessions whose claim waits: their later operations are not run.
    private var waiting: Set<SessionID> = []

    /// What the store said of the operations that it refused.
    private(set) var refusals: [StoreError] = []

    /// Takes a batch that was refused.
    ///
    /// - Parameters:
    ///   - batch: the batch.
    ///   - run: runs a part of it.
    init(_ batch: Batch, run: @escaping (Batch) throws(StoreError) -> BatchResult) {
        operations = batch.operations
        now = batch.now
        self.run = run
        outcomes = Array(repeating: .undone(.refused), count: operations.count)
    }

    /// Runs it.
    ///
    /// - Parameter error: what the store said of the whole batch.
    /// - Returns: an outcome for each operation; ``Outcome/undone(_:)`` for those of the parts that failed.
    /// - Throws: ``StoreError`` if the manager cannot go on, or if nothing has happened for a reason that concerns all.
    mutating func carryOut(after error: StoreError) throws(StoreError) -> BatchResult {
        try divide(operations.indices, error)
        // If all were refused no part has told what there is to know besides.
        if sum == nil { sum = try run(Batch([], now: now)) }
        guard var result = sum else { throw error }
        result.outcomes = outcomes
        return result
    }

    /// Runs both halves of a part that was refused.
    private mutating func divide(_ part: Range<Int>, _ error: StoreError) throws(StoreError) {
        guard part.count > 1 else {
            refusals.append(error)
            return
        }
        let middle = part.lowerBound + part.count / 2
        try carryOut(part.lowerBound..<middle)
        try carryOut(middle..<part.upperBound)
    }

    private mutating func carryOut(_ part: Range<Int>) throws(StoreError) {
        let held = part.filter { waiting.contains(operations[$0].session) }
        for index in held { outcomes[index] = .heldBack }
        let indices = part.filter { !waiting.contains(operations[$0].session) }
        guard !indices.isEmpty else { return }
        do {
            take(try run(Batch(indices.map { operations[$0] }, now: now)), indices)
        } catch {
            switch error.code {
            case .refused:
                try divide(part, error)
            case .busy, .full, .failed, .unknown:
                // Before anything has happened it is the whole batch that fails.
                guard sum != nil else { throw error }
                for index in indices { outcomes[index] = .undone(error.code) }
            case .lost, .unusable, .inUse, .acknowledgedTasksGone:
                throw error
            }
        }
    }

    private mutating func take(_ result: BatchResult, _ indices: [Int]) {
        for (index, outcome) in zip(indices, result.outcomes) {
            outcomes[index] = outcome
            if case .claim(_, let count, waits: true) = operations[index].action, case .claimed(let tasks) = outcome,
                tasks.count < count
            {
                waiting.insert(operations[index].session)
            }
        }
        guard let before = sum else {
            sum = result
            return
        }
        var added = result
        added.needsDurability = before.needsDurability || result.needsDurability
        added.timePassed = before.timePassed || result.timePassed
        added.timeRead = min(before.timeRead, result.timeRead)
        added.claimsWereLost = before.claimsWereLost || result.claimsWereLost
        if let first = before.moreToClaim, let second = result.moreToClaim { added.moreToClaim = first + second }
        sum = added
    }
}
