internal import TaskStore

/// A batch that is run in parts: because the store refused it for one of its operations, or because some of its operations
/// have to be alone.
///
/// A batch that was refused is run in halves, and these in halves again, until that operation is alone and fails alone.
///
/// Each part is a transaction of its own. The changes of one part stay, whatever the outcome of the others is.
struct SplitBatch {
    private let operations: [Operation]
    private let run: (Batch) throws(StoreError) -> BatchResult
    private let now: Timestamp
    private var outcomes: [Outcome]

    /// The sum of the results of all parts that were carried out.
    private var sum: BatchResult?

    /// Sessions whose claim waits: their later operations are not run.
    private var waiting: Set<SessionID> = []

    /// The store's errors for the operations that it refused.
    private(set) var refusals: [StoreError] = []

    /// Takes a batch.
    ///
    /// - Parameters:
    ///   - batch: the batch.
    ///   - run: runs a part of the batch.
    init(_ batch: Batch, run: @escaping (Batch) throws(StoreError) -> BatchResult) {
        operations = batch.operations
        now = batch.now
        self.run = run
        outcomes = Array(repeating: .undone(.refused), count: operations.count)
    }

    /// Runs it with some operations alone, each in a batch of its own between those before and those behind it.
    ///
    /// - Parameter isAlone: whether an operation is run alone.
    /// - Returns: as ``carryOut(after:)``.
    /// - Throws: as ``carryOut(after:)``.
    mutating func carryOut(alone isAlone: (Operation) -> Bool) throws(StoreError) -> BatchResult {
        var start = 0
        for index in operations.indices where isAlone(operations[index]) {
            if start < index { try carryOut(start..<index) }
            try carryOut(index..<index + 1)
            start = index + 1
        }
        if start < operations.count { try carryOut(start..<operations.count) }
        return try finish()
    }

    /// Runs it after the store has refused it.
    ///
    /// - Parameter error: the store's error for the whole batch.
    /// - Returns: an outcome for each operation; ``Outcome/undone(_:)`` for those of the parts that failed.
    /// - Throws: ``StoreError`` if the manager cannot go on, or if no part was carried out for a reason that concerns
    ///   all of them.
    mutating func carryOut(after error: StoreError) throws(StoreError) -> BatchResult {
        try divide(operations.indices, error)
        return try finish()
    }

    /// Returns the sum of the results.
    private mutating func finish() throws(StoreError) -> BatchResult {
        // If all operations were refused, no part has a result; an empty batch has one.
        if sum == nil { sum = try run(Batch([], now: now)) }
        guard var result = sum else { throw StoreError(.failed, "no part of the batch was run") }
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
        for index in held { outcomes[index] = .deferred }
        let indices = part.filter { !waiting.contains(operations[$0].session) }
        guard !indices.isEmpty else { return }
        do {
            take(try run(Batch(indices.map { operations[$0] }, now: now)), indices)
        } catch {
            switch error.code {
            case .refused:
                try divide(part, error)
            case .busy, .full, .failed, .unknown:
                // If no part was carried out before, the whole batch fails.
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
        added.hasLostClaims = before.hasLostClaims || result.hasLostClaims
        if let first = before.moreToClaim, let second = result.moreToClaim { added.moreToClaim = first + second }
        sum = added
    }
}
