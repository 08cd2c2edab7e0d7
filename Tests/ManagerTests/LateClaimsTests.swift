import BeanstalkWire
import TaskStore
import Testing

@testable import Manager

/// Claims whose answers are late.
@Suite struct LateClaimsTests {
    private let session = SessionID(connection: 1, of: ManagerID(rawValue: 1))
    private let start = ContinuousClock.now

    private func claimed(_ ids: Int64...) -> Outcome {
        .claimed(
            ids.map { ClaimedTask(id: TaskID(rawValue: $0), tube: .default, timeToRun: 3, body: []) }
        )
    }

    private func operation(_ action: Action) -> Operation { Operation(session: session, action: action) }

    private func touch(_ id: Int64) -> Operation { operation(.touch(TaskID(rawValue: id))) }

    private let claim = Action.claim(tubes: [.default], count: 2, waits: false)

    @Test func `a claim that the same batch has ended is not renewed, and so not lost`() {
        let task = TaskID(rawValue: 1)
        func renewals(_ operations: [TaskStore.Operation], _ outcomes: [Outcome]) -> [TaskStore.Operation] {
            LateClaims(operations, outcomes, since: start, tolerance: .zero).renewals
        }
        for (end, outcome) in [
            (Action.delete(task), Outcome.deleted), (.release(task, priority: 0, delay: 0), .released),
            (.bury(task, priority: 0), .buried),
        ] {
            let operations = [operation(claim), operation(end)]
            #expect(renewals(operations, [claimed(1, 2), outcome]) == [touch(2)])
            #expect(renewals(operations, [claimed(1, 2), .notFound]) == [touch(1), touch(2)])
            #expect(
                renewals(operations + [operation(claim)], [claimed(1, 2), outcome, claimed(1)]) == [touch(2), touch(1)]
            )
        }
    }

    @Test func `claims and touches are renewed if they are old, and nothing else is`() {
        let operations = [operation(claim), touch(9), operation(.delete(TaskID(rawValue: 5))), touch(8)]
        let late = LateClaims(
            operations,
            [claimed(1, 2), .touched, .deleted, .notFound],
            since: start,
            tolerance: .milliseconds(100)
        )
        #expect(!late.areLate(at: start + .milliseconds(100)))
        #expect(late.areLate(at: start + .milliseconds(101)))
        #expect(late.renewals == [touch(1), touch(2), touch(9)])
        #expect(
            !LateClaims(
                operations,
                [claimed(), .notFound, .deleted, .notFound],
                since: start,
                tolerance: .milliseconds(100)
            )
            .areLate(at: start + .seconds(9))
        )
    }

    @Test func `a task whose claim has ended was never handed out`() {
        var outcomes = [claimed(1, 2), .touched, .touched]
        var late = LateClaims(
            [operation(claim), touch(9), touch(8)],
            outcomes,
            since: start,
            tolerance: .milliseconds(100)
        )
        late.note([.touched, .notFound, .notFound, .touched], since: start + .seconds(5), in: &outcomes)
        #expect(outcomes == [claimed(1), .notFound, .touched])
        #expect(late.lost == [0: 1, 1: 1])
        #expect(late.renewals == [touch(1), touch(8)])
        #expect(!late.areLate(at: start + .milliseconds(5100)))
        #expect(late.areLate(at: start + .milliseconds(5101)))
    }

    @Test func `a connection whose named session was attached elsewhere is told so`() {
        var outcomes = [claimed(1, 2)]
        var late = LateClaims([operation(claim)], outcomes, since: start, tolerance: .milliseconds(100))
        late.note([.superseded, .superseded], since: start, in: &outcomes)
        #expect(outcomes == [.superseded])
    }

    @Test func `a claim on a task that is locked is tried again, and the others are not given up with it`() {
        var outcomes = [claimed(1, 2)]
        var late = LateClaims([operation(claim)], outcomes, since: start, tolerance: .milliseconds(100))
        late.note([.touched, .locked], since: start + .seconds(1), in: &outcomes)
        #expect(late.isLocked && late.areLate(at: start + .seconds(1)))
        #expect(late.renewals == [touch(1), touch(2)])
        late.note([.touched, .touched], since: start + .seconds(2), in: &outcomes)
        #expect(!late.isLocked && !late.areLate(at: start + .seconds(2)))
        #expect(outcomes == [claimed(1, 2)] && late.lost.isEmpty && late.uncertain.isEmpty)
    }

    @Test(arguments: [Outcome.locked, .failed])
    func `a claim on a task that stays locked is uncertain, and not lost`(_ outcome: Outcome) {
        var outcomes = [claimed(1), claimed(2)]
        var late = LateClaims(
            [operation(claim), operation(claim)],
            outcomes,
            since: start,
            tolerance: .milliseconds(100)
        )
        repeat {
            late.note([.touched, outcome], since: start, in: &outcomes)
        } while late.isLocked
        #expect(late.uncertain == [1] && late.lost.isEmpty)
        #expect(late.renewals == [touch(1)])
    }

    @Test func `claims are not renewed without end at a store that is too slow each time`() {
        var outcomes = [claimed(1)]
        var late = LateClaims([operation(claim)], outcomes, since: start, tolerance: .milliseconds(100))
        for _ in 0..<LateClaims.mostRounds { late.note([.touched], since: start, in: &outcomes) }
        #expect(!late.areLate(at: start + .seconds(9)))
        #expect(late.uncertain == [0])
    }

    // The way through a session table.

    /// A session at a store that always has tasks.
    private func connect() -> (SessionScript, Session) {
        let script = SessionScript()
        var last: Int64 = 0
        script.store = { operation in
            guard case .claim(_, let count, _) = operation.action else { return nil }
            defer { last += Int64(count) }
            return .claimed((1...count).map { script.task(last + Int64($0)) })
        }
        let session = script.connect()
        script.replies(to: session)
        return (script, session)
    }

    private func run(
        _ commands: [Command],
        lost: [Int64] = [],
        isUncertain: Bool = false
    ) -> (replies: [Reply], session: Session, script: SessionScript) {
        let (script, session) = connect()
        for command in commands { script.send(command, from: session) }
        script.turn(lost: lost.map(TaskID.init(rawValue:)), isUncertain: isUncertain)
        defer { session.forgetReplies(keepingRoomFor: 0) }
        return (session.replies, session, script)
    }

    @Test func `a reserve whose task is lost is tried again`() {
        let (replies, session, script) = run([.reserve, .reserve], lost: [1])
        #expect(replies.count == 1)
        #expect(Array(session.claims.byTask.keys) == [TaskID(rawValue: 2)])
        let again = script.replies(to: session)
        #expect(again.count == 1, "the next turn answers it")
        #expect(session.claims.count == 2)
    }

    @Test func `a reserve whose task is lost gets an error if later commands are answered`() {
        let (replies, session, _) = run([.reserve, .delete(TaskID(rawValue: 77))], lost: [1])
        #expect(replies == [.internalError, .deleted])
        #expect(session.claims.isEmpty)
    }

    @Test func `a touch that is lost is NOT_FOUND`() {
        let (replies, session, _) = run([.touch(TaskID(rawValue: 9))], lost: [9])
        #expect(replies == [.notFound])
        #expect(session.claims.isEmpty)
    }

    @Test func `a connection is closed if its claims cannot be renewed, and no later command is answered`() {
        let (replies, session, _) = run([.reserve, .delete(TaskID(rawValue: 77))], isUncertain: true)
        #expect(replies == [])
        #expect(session.closing == .now)
    }

    @Test func `the time to run counts from the answer`() {
        let (script, session) = connect()
        script.send(.reserve, from: session)
        let answered = script.now.instant + .seconds(5)
        script.turn(answeredAt: answered)
        #expect(session.claims.byTask.values.map(\.deadline) == [answered + .seconds(60)])
    }
}
