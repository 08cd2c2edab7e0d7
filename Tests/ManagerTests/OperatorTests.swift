import BeanstalkWire
import TaskStore
import Testing

@testable import Manager

/// The commands of operators in batches.
@Suite struct OperatorTests {
    private let script = SessionScript()
    private static let film = TubeName("film")!

    @Test func `a move of many tasks asks for a bounded number at a time, and stops at its limit`() {
        for (there, limit, moved) in [(2500, 9999, 2500), (2500, 2000, 2000), (2000, 2000, 2000), (5, 0, 0), (0, 7, 0)]
        {
            var long = LongCommand(.move(from: .default, to: Self.film, .pending, limit: limit))
            var left = there
            var answer: Reply?
            for _ in 0..<10 where answer == nil {
                guard case .moveTasks(.default, Self.film, .pending, let bound) = long.nextStep(atMost: 1000) else {
                    Issue.record("another step")
                    return
                }
                #expect(bound <= 1000)
                let count = min(bound, left)
                left -= count
                answer = long.finishStep(.moved(count))
            }
            #expect(answer == .moved(moved))
        }
    }

    /// Begins a command, and returns its answers after each of these outcomes.
    private func answers(_ work: LongCommand.Work, _ outcomes: Outcome...) -> [Reply?] {
        var long = LongCommand(work)
        return outcomes.map { outcome in
            _ = long.nextStep(atMost: 1000)
            return long.finishStep(outcome)
        }
    }

    @Test func `a tube that is gone with its last task ends a move`() {
        let move = LongCommand.Work.move(from: .default, to: Self.film, .buried, limit: 5000)
        #expect(answers(move, .moved(1000), .notFound) == [nil, .moved(1000)])
        #expect(answers(move, .notFound) == [.notFound])
    }

    @Test func `a session ends with its last step`() {
        let end = LongCommand.Work.endSession(7)
        #expect(answers(end, .ended(Batch.mostRows), .ended(3)) == [nil, .ended])
        #expect(answers(end, .ended(Batch.mostRows), .notFound) == [nil, .ended], "another operator has ended it")
        #expect(answers(end, .notFound) == [.notFound])
        var long = LongCommand(end)
        let step = long.nextStep(atMost: 1)
        #expect(step == .endSession(7))
        _ = long.finishStep(.ended(Batch.mostRows))
        #expect(long.unfinished(.outOfMemory) == .outOfMemory, "it has not ended")
    }

    @Test func `a batch has one inspection at most, and the commands behind it come later`() {
        let (one, other) = (script.connect(), script.connect())
        script.send(.inspect(.managers), .stats, .inspect(.store), from: one)
        script.send(.inspect(.managers), .listTubeUsed, from: other)
        let start = script.batches.count
        while script.table.hasWork { script.turn() }
        let counts = script.batches[start...].map { $0.count { $0.action.query != nil } }
        #expect(counts.max() == 1)
        #expect(counts.reduce(0, +) == 3)
        for batch in script.batches[start...] {
            guard let index = batch.firstIndex(where: { $0.action.query != nil }) else { continue }
            #expect(!batch[(index + 1)...].contains { $0.session == batch[index].session })
        }
        #expect(script.replies(to: one).count == 3)
        #expect(script.replies(to: other).count == 2)
        #expect(script.table.sessions.counters[.inspect] == 3)
    }

    @Test func `a session that waits gets a task that an operator makes pending`() {
        let commands: [Command] = [
            .breakClaim(TaskID(rawValue: 1)), .moveJob(TaskID(rawValue: 1), to: .default),
            .editJob(TaskID(rawValue: 1), TaskEdit(delay: 0)),
        ]
        for command in commands {
            let script = SessionScript()
            let (waiting, other) = (script.connect(), script.connect())
            script.send(.reserve, from: waiting)
            script.turn()
            var isPending = false
            script.store = { [script] operation in
                switch operation.action {
                case .breakClaim, .moveTask, .editTask: isPending = true
                case .claim where isPending:
                    isPending = false
                    return .claimed([script.task(1)])
                default: break
                }
                return nil
            }
            script.send(command, from: other)
            #expect(script.replies(to: waiting) == [.reserved(TaskID(rawValue: 1), body: [])], "\(command)")
        }
    }
}
