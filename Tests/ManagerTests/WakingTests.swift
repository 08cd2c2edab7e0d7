import BeanstalkWire
import TaskStore
import Testing

@testable import Manager

/// What many waiting sessions cost the sessions that have something to do.
@Suite struct WakingTests {
    private let script = SessionScript()

    /// Returns the number of claims in each batch from one on.
    private func claims(from batch: Int) -> [Int] {
        script.batches[batch...].map { $0.count { if case .claim = $0.action { true } else { false } } }
    }

    private func tube(_ number: Int) -> TubeName { TubeName("t\(number)")! }

    /// Returns sessions that wait, each for a tube of its own.
    private func waiting(_ count: Int) -> [Session] {
        let sessions = (0..<count)
            .map { number in
                let session = script.connect()
                script.send(.watch(tube(number)), .ignore(.default), .reserve, from: session)
                return session
            }
        while script.table.hasWork { script.turn() }
        #expect(script.table.sessions.waiters.count == count)
        for session in sessions { session.forgetReplies(keepingRoomFor: 0) }
        return sessions
    }

    @Test func `news of one tube concerns only the session that waits for it`() {
        let sessions = waiting(3000)
        let start = script.batches.count
        script.store = { [script] operation in
            guard case .claim = operation.action else { return nil }
            return .claimed([script.task(9)])
        }
        script.table.sessions.waiters.wake([tube(1234), tube(99_999)])
        while script.table.hasWork { script.turn() }
        #expect(claims(from: start) == [1])
        #expect(sessions[1234].replies == [.reserved(TaskID(rawValue: 9), body: [])])
    }

    @Test func `if the tube is unknown all waiting sessions are served once, a bounded number per batch`() {
        _ = waiting(2500)
        let start = script.batches.count
        script.table.sessions.waiters.wakeAll()
        script.turn()
        #expect(script.table.isTruncated)
        while script.table.hasWork { script.turn() }
        #expect(claims(from: start).allSatisfy { $0 <= Batch.mostRows })
        #expect(Set(script.batches[start...].joined().map(\.session)).count == 2500)
        #expect(claims(from: start).reduce(0, +) == 2500)
    }

    @Test func `news that comes while all sessions are served is handled afterwards`() {
        _ = waiting(1500)
        let start = script.batches.count
        script.table.sessions.waiters.wakeAll()
        script.turn()
        script.table.sessions.waiters.wakeAll()
        while script.table.hasWork { script.turn() }
        #expect(claims(from: start).reduce(0, +) == 3000)
    }

    @Test func `of many sessions that wait for one tube only a few more try than there are tasks`() {
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
            script.table.sessions.waiters.wake([.default])
            while script.table.hasWork { script.turn() }
            #expect(left == 0)
            #expect(claims(from: start).reduce(0, +) <= tasks * 3 + Wakes.fewest)
        }
    }

    @Test(
        arguments: [Command.kickJob(TaskID(rawValue: 9)), .release(TaskID(rawValue: 9), priority: 0, delay: 0)]
    )
    func `a command that makes a task of an unknown tube pending does not make all sessions try`(command: Command) {
        let sessions = waiting(500)
        let other = script.connect()
        let start = script.batches.count
        script.send(command, .listTubeUsed, .peekNext(.pending), from: other)
        script.turn(moreToClaim: [tube(7)])
        while script.table.hasWork { script.turn(moreToClaim: []) }
        #expect(claims(from: start).reduce(0, +) == 1)
        #expect(Set(script.batches[start...].joined().map(\.session)) == [other.id, sessions[7].id])
    }

    @Test func `a store that names no tubes makes all sessions try`() {
        _ = waiting(500)
        let other = script.connect()
        let start = script.batches.count
        script.send(.kickJob(TaskID(rawValue: 9)), from: other)
        while script.table.hasWork { script.turn(moreToClaim: nil) }
        #expect(claims(from: start).reduce(0, +) == 500)
    }

    @Test func `a kick with a large bound serves as many sessions as tasks were kicked`() {
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
        #expect(script.table.sessions.waiters.count == 200)
    }

    @Test func `a session that waits is told at once when another connection attaches to its named session`() {
        _ = waiting(500)
        let (first, second) = (script.connect(), script.connect())
        script.send(.session(SessionName("s")!), .reserve, from: first)
        while script.table.hasWork { script.turn() }
        first.forgetReplies(keepingRoomFor: 0)
        script.store = { operation in
            guard case .claim = operation.action, operation.session == first.id else { return nil }
            return .superseded
        }
        let start = script.batches.count
        script.send(.session(SessionName("s")!), from: second)
        while script.table.hasWork { script.turn() }
        #expect(first.replies == [.sessionTaken])
        #expect(claims(from: start).reduce(0, +) == 1)
    }

    @Test func `a session that waits is told also when another manager attaches to its named session`() {
        let session = script.connect()
        script.send(.session(SessionName("s")!), .reserve, from: session)
        while script.table.hasWork { script.turn() }
        session.forgetReplies(keepingRoomFor: 0)
        script.store = { operation in
            guard case .claim = operation.action else { return nil }
            return .superseded
        }
        script.table.sessions.waiters.wakeSuperseded([session.id, SessionID(connection: 99, of: session.id.manager)])
        while script.table.hasWork { script.turn() }
        #expect(session.replies == [.sessionTaken])
    }

    @Test func `a batch has only a few lists and sums over all tubes`() {
        let sessions = (1...40).map { _ in script.connect() }
        let start = script.batches.count
        for session in sessions { script.send(.stats, .stats, from: session) }
        while script.table.hasWork { script.turn() }
        #expect(script.batches[start...].allSatisfy { $0.count <= 16 })
        #expect(sessions.allSatisfy { $0.replies.count == 2 })
    }
}
