import BeanstalkWire
import TaskStore
import Testing

@testable import Manager

/// What many sessions that wait cost those that have something to do.
@Suite("Many sessions that wait") struct WakingTests {
    private let script = SessionScript()

    /// How many claims the batches from one on have.
    private func claims(from batch: Int) -> [Int] {
        script.batches[batch...].map { $0.count { if case .claim = $0.action { true } else { false } } }
    }

    private func tube(_ number: Int) -> TubeName { TubeName("t\(number)")! }

    /// Sessions that wait, each for a tube of its own.
    private func waiting(_ count: Int) -> [Session] {
        let sessions = (0..<count)
            .map { number in
                let session = script.connect()
                script.send(.watch(tube(number)), .ignore(.default), .reserve, from: session)
                return session
            }
        while script.table.hasWork { script.turn() }
        #expect(script.table.waiting == count)
        for session in sessions { session.replies = [] }
        return sessions
    }

    @Test("News of one tube concerns the session that waits for it")
    func oneTube() {
        let sessions = waiting(3000)
        let start = script.batches.count
        script.store = { [script] operation in
            guard case .claim = operation.action else { return nil }
            return .claimed([script.task(9)])
        }
        script.table.wake([tube(1234), tube(99_999)])
        while script.table.hasWork { script.turn() }
        #expect(claims(from: start) == [1])
        #expect(sessions[1234].replies == [.reserved(TaskID(rawValue: 9), body: [])])
    }

    @Test("If nothing is known, all are served, a bounded number per batch, each once")
    func everyone() {
        _ = waiting(2500)
        let start = script.batches.count
        script.table.wakeWaiting()
        script.turn()
        #expect(script.table.wasCut)
        while script.table.hasWork { script.turn() }
        #expect(claims(from: start).allSatisfy { $0 <= Batch.mostRows })
        #expect(Set(script.batches[start...].joined().map(\.session)).count == 2500)
        #expect(claims(from: start).reduce(0, +) == 2500)
    }

    @Test("What is said while all are served is heard afterwards")
    func everyoneAgain() {
        _ = waiting(1500)
        let start = script.batches.count
        script.table.wakeWaiting()
        script.turn()
        script.table.wakeWaiting()
        while script.table.hasWork { script.turn() }
        #expect(claims(from: start).reduce(0, +) == 3000)
    }

    @Test("Of many that wait for one tube as many try as there are tasks, or a few more")
    func oneTubeForAll() {
        for _ in 0..<3000 { script.send(.reserve, from: script.connect()) }
        while script.table.hasWork { script.turn() }
        for tasks in [0, 1, 100, 700] {
            let start = script.batches.count
            var left = tasks
            script.store = { [script] operation in
                guard case .claim = operation.action else { return nil }
                guard left > 0 else { return .claimed([]) }
                left -= 1
                return .claimed([script.task(Int64(left))])
            }
            script.table.wake([.default])
            while script.table.hasWork { script.turn() }
            #expect(left == 0)
            #expect(claims(from: start).reduce(0, +) <= tasks * 3 + Wakes.fewest)
        }
    }

    @Test(
        "Commands that may make tasks of any tube ready do not have all try",
        arguments: [Command.kickJob(TaskID(rawValue: 9)), .release(TaskID(rawValue: 9), priority: 0, delay: 0)]
    )
    func unknownTube(command: Command) {
        let sessions = waiting(500)
        let other = script.connect()
        let start = script.batches.count
        script.send(command, .listTubeUsed, .peekNext(.pending), from: other)
        script.turn(moreToClaim: [tube(7)])
        while script.table.hasWork { script.turn(moreToClaim: []) }
        #expect(claims(from: start).reduce(0, +) == 1)
        #expect(Set(script.batches[start...].joined().map(\.session)) == [other.id, sessions[7].id])
    }

    @Test("A store that does not know better has all of them try")
    func unknownTubeOfSimpleStore() {
        _ = waiting(500)
        let other = script.connect()
        let start = script.batches.count
        script.send(.kickJob(TaskID(rawValue: 9)), from: other)
        while script.table.hasWork { script.turn(moreToClaim: nil) }
        #expect(claims(from: start).reduce(0, +) == 500)
    }

    @Test("A kick with a large bound of a tube for which many wait serves as many as were kicked")
    func kick() {
        for _ in 0..<500 { script.send(.reserve, from: script.connect()) }
        while script.table.hasWork { script.turn() }
        let other = script.connect()
        var left = 0
        script.store = { [script] operation in
            switch operation.action {
            case .kick:
                defer { left = 300 }
                return .kicked(left == 0 ? 300 : 0)
            case .claim:
                guard left > 0 else { return .claimed([]) }
                left -= 1
                return .claimed([script.task(Int64(left))])
            default: return nil
            }
        }
        script.send(.kick(bound: 1000), from: other)
        while script.table.hasWork { script.turn() }
        #expect(script.table.waiting == 200)
    }

    @Test("A session that waits is told at once when its named session is taken up")
    func takenUp() {
        _ = waiting(500)
        let (first, second) = (script.connect(), script.connect())
        script.send(.session(SessionName("s")!), .reserve, from: first)
        while script.table.hasWork { script.turn() }
        first.replies = []
        script.store = { operation in
            guard case .claim = operation.action, operation.session == first.id else { return nil }
            return .displaced
        }
        let start = script.batches.count
        script.send(.session(SessionName("s")!), from: second)
        while script.table.hasWork { script.turn() }
        #expect(first.replies == [.sessionTaken])
        #expect(claims(from: start).reduce(0, +) == 1)
    }

    @Test("The same where another manager has taken it up")
    func takenUpElsewhere() {
        let session = script.connect()
        script.send(.session(SessionName("s")!), .reserve, from: session)
        while script.table.hasWork { script.turn() }
        session.replies = []
        script.store = { operation in
            guard case .claim = operation.action else { return nil }
            return .displaced
        }
        script.table.wakeDisplaced([session.id, SessionID(connection: 99, of: session.id.manager)])
        while script.table.hasWork { script.turn() }
        #expect(session.replies == [.sessionTaken])
    }

    @Test("Lists and sums over all tubes are a few in a batch")
    func lists() {
        let sessions = (1...40).map { _ in script.connect() }
        let start = script.batches.count
        for session in sessions { script.send(.stats, .stats, from: session) }
        while script.table.hasWork { script.turn() }
        #expect(script.batches[start...].allSatisfy { $0.count <= 16 })
        #expect(sessions.allSatisfy { $0.replies.count == 2 })
    }
}
