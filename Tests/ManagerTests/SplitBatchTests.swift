import BeanstalkWire
import TaskStore
import Testing

@testable import Manager

/// A batch of which the store refuses some operations.
@Suite struct SplitBatchTests {
    private static let refusal = StoreError(.refused, "too big")

    private func session(_ number: Int) -> SessionID {
        SessionID(connection: UInt32(number), of: ManagerID(rawValue: 1))
    }

    private func peeks(_ count: Int) -> [Operation] {
        (0..<count).map { Operation(session: session($0), action: .peek(TaskID(rawValue: Int64($0)))) }
    }

    private func task(_ operation: Operation) -> Int64 {
        if case .peek(let task) = operation.action { task.rawValue } else { -1 }
    }

    private func result(_ outcomes: [Outcome]) -> BatchResult {
        BatchResult(outcomes: outcomes, needsDurability: true, timePassed: false, nextEvent: nil, moreToClaim: [])
    }

    /// Runs operations at a store that refuses batches with some tasks, and fails those with others.
    private func outcomes(
        of operations: [Operation],
        refusing: Set<Int64>,
        failing: [Int64: StoreError.Code] = [:],
        _ parts: inout Int
    ) throws -> [Outcome] {
        var runs = 0
        var split = SplitBatch(Batch(operations, now: Timestamp(rawValue: 0))) { batch throws(StoreError) in
            runs += 1
            let tasks = batch.operations.map(task)
            if tasks.contains(where: refusing.contains) { throw Self.refusal }
            for task in tasks { if let code = failing[task] { throw StoreError(code, "fails") } }
            return result(tasks.map { .inserted(TaskID(rawValue: $0)) })
        }
        defer { parts = runs }
        return try split.carryOut(after: Self.refusal).outcomes
    }

    @Test(arguments: [[0], [63], [17, 18], [0, 31, 32, 63], Array(0..<64)] as [[Int64]])
    func `refused operations fail alone`(refused: [Int64]) throws {
        var parts = 0
        let outcomes = try outcomes(of: peeks(64), refusing: Set(refused), &parts)
        for (index, outcome) in outcomes.enumerated() {
            let isRefused = refused.contains(Int64(index))
            #expect(outcome == (isRefused ? .undone(.refused) : .inserted(TaskID(rawValue: Int64(index)))))
        }
        #expect(parts <= 2 * 6 * refused.count + 1)
    }

    @Test func `operations that have to be alone are, and the order stays`() throws {
        var batches: [[Int64]] = []
        var split = SplitBatch(Batch(peeks(7), now: Timestamp(rawValue: 0))) { batch throws(StoreError) in
            batches.append(batch.operations.map(task))
            return result(batch.operations.map { .inserted(TaskID(rawValue: task($0))) })
        }
        let outcomes = try split.carryOut { [0, 3, 4].contains(task($0)) }.outcomes
        #expect(batches == [[0], [1, 2], [3], [4], [5, 6]])
        #expect(outcomes == (0..<7).map { .inserted(TaskID(rawValue: $0)) })
    }

    @Test func `an operation that is alone and fails leaves the others as they are`() throws {
        var split = SplitBatch(Batch(peeks(3), now: Timestamp(rawValue: 0))) { batch throws(StoreError) in
            if batch.operations.map(task) == [1] { throw StoreError(.failed, "fails") }
            return result(batch.operations.map { .inserted(TaskID(rawValue: task($0))) })
        }
        let outcomes = try split.carryOut { task($0) == 1 }.outcomes
        #expect(outcomes == [.inserted(TaskID(rawValue: 0)), .undone(.failed), .inserted(TaskID(rawValue: 2))])
    }

    @Test func `a single operation that is refused is not run again`() throws {
        var parts = 0
        #expect(try outcomes(of: peeks(1), refusing: [0], &parts) == [.undone(.refused)])
        #expect(parts == 1, "but an empty batch tells when the next delay ends")
    }

    @Test func `operations behind a claim that waits are held back in the other parts too`() throws {
        let waiting = session(99)
        var operations = [Operation(session: waiting, action: .claim(tubes: [.default], count: 1, waits: true))]
        operations += peeks(6)
        operations.append(Operation(session: waiting, action: .touch(TaskID(rawValue: 1))))
        var touched = false
        var split = SplitBatch(Batch(operations, now: Timestamp(rawValue: 0))) { batch throws(StoreError) in
            if batch.operations.map(task).contains(5) { throw Self.refusal }
            var outcomes: [Outcome] = []
            for operation in batch.operations {
                if case .touch = operation.action { touched = true }
                if case .claim = operation.action { outcomes.append(.claimed([])) } else { outcomes.append(.deleted) }
            }
            return result(outcomes)
        }
        let outcomes = try split.carryOut(after: Self.refusal).outcomes
        #expect(outcomes[6] == .undone(.refused))
        #expect(outcomes[7] == .deferred && !touched)
    }

    @Test(arguments: [StoreError.Code.full, .failed, .busy, .unknown])
    func `a part that fails for another reason fails by itself once something has happened`(code: StoreError.Code)
        throws
    {
        var parts = 0
        let outcomes = try outcomes(of: peeks(4), refusing: [3], failing: [2: code], &parts)
        #expect(outcomes[0...1] == [.inserted(TaskID(rawValue: 0)), .inserted(TaskID(rawValue: 1))])
        #expect(outcomes[2...3] == [.undone(code), .undone(.refused)])
        #expect(throws: StoreError(code, "fails")) {
            _ = try self.outcomes(of: peeks(4), refusing: [3], failing: [0: code], &parts)
        }
        #expect(throws: StoreError(.lost, "fails")) {
            _ = try self.outcomes(of: peeks(4), refusing: [3], failing: [2: .lost], &parts)
        }
    }

    @Test func `the session of the refused command gets an error, and the others their answers`() {
        let script = SessionScript()
        let (good, bad) = (script.connect(), script.connect())
        script.store = { $0.session == bad.id ? .undone(.refused) : nil }
        script.send(.delete(TaskID(rawValue: 1)), from: good)
        script.send(.put(priority: 0, delay: 0, timeToRun: 1, body: []), .listTubeUsed, from: bad)
        #expect(script.replies(to: bad) == [.internalError, .using(.default)])
        #expect(script.replies(to: good) == [.deleted])
    }
}
