import BeanstalkWire
import TaskStore
import Testing

@testable import Manager

/// Commands that concern many rows are done step by step.
@Suite struct StepsTests {
    private let script = SessionScript()
    private static let rows = Batch.mostRows

    /// Returns a session that holds tasks, with claims that expire after a minute.
    private func holder(of count: Int, first: Int64 = 1) -> Session {
        let session = script.connect()
        script.store = { [script] operation in
            guard case .claim(_, let count, _) = operation.action else { return nil }
            defer { script.lastClaimed += Int64(count) }
            return .claimed((0..<count).map { script.task(script.lastClaimed + Int64($0) + 1) })
        }
        for _ in 0..<count { script.send(.reserveWithTimeout(seconds: 0), from: session) }
        #expect(script.replies(to: session).count == count)
        script.store = { _ in nil }
        return session
    }

    private func actions(from batch: Int) -> [[Action]] { script.batches[batch...].map { $0.map(\.action) } }

    @Test func `a kick of many tasks asks for a bounded number at a time and is answered once`() {
        let (session, other) = (script.connect(), script.connect())
        var buried = 2500
        var steps: [Action] = []
        script.store = { operation in
            guard case .kick(_, let bound, let state) = operation.action else { return nil }
            #expect(bound <= Self.rows && state == .buried)
            steps.append(operation.action)
            defer { buried -= min(bound, buried) }
            return .kicked(min(bound, buried))
        }
        script.send(.kick(bound: .max), .listTubeUsed, from: session)
        script.turn()
        #expect(script.table.isTruncated, "the sockets are looked at before the next step")
        script.send(.listTubeUsed, from: other)
        script.turn()
        #expect(other.replies == [.using(.default)], "others are answered in between")
        #expect(script.replies(to: session) == [.kicked(2500), .using(.default)])
        #expect(steps.count == 3)
        #expect(script.table.sessions.counters[.kick] == 1)
    }

    @Test func `a kick takes delayed tasks only if no task was buried when it began`() {
        for (buried, delayed, kicked) in [(1000, 1000, 1000), (0, 1500, 1500), (3, 5, 3), (0, 0, 0)] {
            var long = LongCommand(.kick(.default, bound: 5000))
            var left = [TaskState.buried: buried, .delayed: delayed]
            var answer: Reply?
            var steps = 0
            while answer == nil, steps < 10 {
                steps += 1
                guard case .kick(_, let bound, let state?) = long.nextStep(atMost: Self.rows) else {
                    Issue.record("a step without a state")
                    return
                }
                let count = min(bound, left[state] ?? 0)
                left[state]? -= count
                answer = long.finishStep(.kicked(count))
            }
            #expect(answer == .kicked(kicked))
        }
    }

    @Test func `a kick that one step can do is one operation`() {
        let session = script.connect()
        script.store = { operation in
            if case .kick = operation.action { #expect(operation.action == .kick(.default, bound: 1000)) }
            return nil
        }
        script.send(.kick(bound: 1000), from: session)
        #expect(script.replies(to: session) == [.kicked(1)])
    }

    @Test func `if a step fails the answer tells what the steps before it have done`() {
        let session = script.connect()
        script.store = { operation in
            guard case .kick(_, let bound, _) = operation.action else { return nil }
            return .kicked(bound)
        }
        script.send(.kick(bound: 5000), .listTubeUsed, from: session)
        script.turn()
        _ = script.table.makeBatch(at: script.now)
        script.table.fail(with: .outOfMemory, at: script.now)
        #expect(script.replies(to: session) == [.kicked(1000), .using(.default)])

        script.send(.kick(bound: 5000), from: session)
        _ = script.table.makeBatch(at: script.now)
        script.table.fail(with: .outOfMemory, at: script.now)
        #expect(script.replies(to: session) == [.outOfMemory])
    }

    @Test func `sessions that kick many tasks share the rows that a batch may change, and all finish`() {
        let sessions = (1...5).map { _ in script.connect() }
        var left = 5000
        script.store = { operation in
            guard case .kick(_, let bound, _) = operation.action else { return nil }
            defer { left -= min(bound, left) }
            return .kicked(min(bound, left))
        }
        let start = script.batches.count
        for session in sessions { script.send(.kick(bound: 4_000_000_000), from: session) }
        while script.table.hasWork { script.turn() }
        for batch in actions(from: start) {
            let rows = batch.reduce(0) { if case .kick(_, let bound, _) = $1 { $0 + bound } else { $0 } }
            #expect(rows <= Self.rows)
        }
        #expect(sessions.map { $0.replies.count } == [1, 1, 1, 1, 1])
    }

    @Test func `claims that expire together are ended in several batches, the soonest first`() {
        let session = holder(of: 2500)
        let other = script.connect()
        let start = script.batches.count
        script.pass(.seconds(61))
        #expect(script.table.isTruncated)
        script.send(.listTubeUsed, from: other)
        script.turn()
        #expect(other.replies == [.using(.default)])
        while !session.claims.isEmpty { script.turn() }
        let expired = actions(from: start)
            .map { batch in
                batch.compactMap { if case .expire(let task) = $0 { task.rawValue } else { nil } }
            }
        #expect(expired.allSatisfy { $0.count <= Self.rows })
        #expect(expired.flatMap(\.self).sorted() == Array(1...2500))
        #expect(script.table.sessions.counters.timeouts == 2500)
    }

    @Test func `claims whose end could not be stored are ended again a second later`() {
        let session = holder(of: 300)
        script.now.instant += .seconds(61)
        let first = script.table.makeBatch(at: script.now)
        #expect(first.count == 300)
        script.table.fail(with: .internalError, at: script.now)
        script.pass(.milliseconds(500))
        #expect(session.claims.count == 300)
        script.pass(.milliseconds(501))
        #expect(session.claims.isEmpty)
    }

    @Test func `claims that were extended or ended do not expire with the others`() {
        let session = holder(of: 200)
        script.pass(.seconds(59))
        for task in 1...50 { script.send(.touch(TaskID(rawValue: Int64(task))), from: session) }
        for task in 51...60 { script.send(.delete(TaskID(rawValue: Int64(task))), from: session) }
        script.replies(to: session)
        script.pass(.seconds(2))
        while script.table.hasWork { script.turn() }
        #expect(session.claims.byTask.keys.map(\.rawValue).sorted() == Array(1...50))
        script.pass(.seconds(60))
        #expect(session.claims.isEmpty)
    }

    @Test func `a session's end gives back a bounded number of claims at a time`() {
        let session = holder(of: 2500)
        var left = 2500
        var steps = 0
        script.store = { operation in
            guard case .disconnect(releasing: .ownClaims) = operation.action else { return nil }
            steps += 1
            defer { left -= min(left, Self.rows) }
            return .disconnected(min(left, Self.rows))
        }
        script.table.sessions.close(session)
        script.turn()
        #expect(script.table.isTruncated)
        while script.table.hasWork { script.turn() }
        #expect((left, steps) == (0, 3))
    }

    @Test func `a session's end that fails in the middle is finished later`() {
        let session = holder(of: 2500)
        var left = 2500
        script.store = { operation in
            guard case .disconnect(releasing: .ownClaims) = operation.action else { return nil }
            defer { left -= min(left, Self.rows) }
            return .disconnected(min(left, Self.rows))
        }
        script.table.sessions.close(session)
        script.turn()
        _ = script.table.makeBatch(at: script.now)
        script.table.fail(with: nil, at: script.now)
        while script.table.hasWork { script.turn() }
        #expect(left == 0)
    }

    @Test func `many sessions that end together, and one that watched many tubes, end in several batches`() {
        let sessions = (1...1500).map { _ in script.connect() }
        let watcher = script.connect()
        for tube in 1...1000 { script.send(.watch(TubeName("t\(tube)")!), from: watcher) }
        script.replies(to: watcher)
        let start = script.batches.count
        script.table.sessions.close(watcher)
        for session in sessions { script.table.sessions.close(session) }
        while script.table.hasWork { script.turn() }
        let batches = actions(from: start)
        #expect(batches.allSatisfy { $0.count <= Self.rows + 3 })
        #expect(batches.joined().count { $0 == .disconnect(releasing: .ownClaims) } == 1501)
        #expect(watcher.counted.watched.isEmpty)
    }

    @Test func `the tubes of a session that ends go in beanstalkd's order, whatever number of steps it takes`() {
        func order(rows: Int) -> [TubeName] {
            let script = SessionScript(limits: .init(rows: rows))
            let session = script.connect()
            for tube in 1...20 { script.send(.watch(TubeName("t\(tube)")!), from: session) }
            script.replies(to: session)
            let start = script.batches.count
            script.table.sessions.close(session)
            while script.table.hasWork { script.turn() }
            return script.batches[start...].joined()
                .compactMap {
                    if case .countUse(let tube, _, -1) = $0.action { tube } else { nil }
                }
        }
        #expect(order(rows: 1000) == order(rows: 3))
        #expect(order(rows: 1000).count == 21)
    }
}

extension StepsTests {
    /// Scripts a store with a named session of 2,500 claims.
    private func scriptSession(displacedAfter steps: Int = .max) {
        var taken = 0
        script.store = { [script] operation in
            guard case .attach(_, let last) = operation.action else { return nil }
            taken += 1
            guard taken <= steps else { return .superseded }
            let first = (last?.rawValue ?? 0) + 1
            let page = (first..<min(first + Int64(Self.rows), 2_501)).map { script.heldClaim($0) }
            return .attached(page, hasMore: page.last?.id.rawValue != 2_500)
        }
    }

    @Test
    func `a connection attaches to a named session with many claims in steps, and others are served between them`()
        throws
    {
        scriptSession()
        let (session, other) = (script.connect(), script.connect())
        script.send(.session(try #require(SessionName("worker"))), .listTubeUsed, from: session)
        script.turn()
        #expect(session.claims.count == Self.rows)
        #expect(session.replies.isEmpty && script.table.isTruncated)
        script.send(.listTubeUsed, from: other)
        script.turn()
        #expect(other.replies == [.using(.default)])
        #expect(script.replies(to: session) == [.session(claims: 2_500), .using(.default)])
        #expect(session.claims.count == 2_500)
        #expect(script.table.sessions.counters[.session] == 1)
        #expect(actions(from: 0).allSatisfy { $0.count <= 2 })
    }

    @Test func `a connection whose session is taken in the middle is told and closed`() throws {
        scriptSession(displacedAfter: 2)
        let session = script.connect()
        script.send(.session(try #require(SessionName("worker"))), .listTubeUsed, from: session)
        #expect(script.replies(to: session) == [.sessionTaken])
        #expect(session.closing == .now)
        #expect(session.claims.isEmpty)
    }

    @Test func `a later step that fails closes the connection`() throws {
        scriptSession()
        let session = script.connect()
        script.send(.session(try #require(SessionName("worker"))), .listTubeUsed, from: session)
        script.turn()
        _ = script.table.makeBatch(at: script.now)
        script.table.fail(with: .outOfMemory, at: script.now)
        #expect(script.replies(to: session) == [.outOfMemory])
        #expect(session.closing == .now)
        #expect(session.isNamed, "its end leaves the claims to the named session")
    }

    @Test func `if the first step fails the connection stays as it was`() throws {
        scriptSession()
        let session = script.connect()
        script.send(.session(try #require(SessionName("worker"))), .listTubeUsed, from: session)
        _ = script.table.makeBatch(at: script.now)
        script.table.fail(with: .internalError, at: script.now)
        #expect(script.replies(to: session) == [.internalError, .using(.default)])
        #expect(!session.isNamed)
    }
}
