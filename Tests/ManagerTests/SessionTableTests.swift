import BeanstalkWire
import TaskStore
import Testing

@testable import Manager

/// The session table, without I/O.
@Suite struct SessionTableTests {
    let script = SessionScript()
    static let other = TubeName("other")!
    let put = Command.put(priority: 1, delay: 0, timeToRun: 60, body: [1])

    @Test func `commands are answered in the order in which they were sent`() {
        let session = script.connect()
        script.send(.listTubeUsed, put, .delete(TaskID(rawValue: 1)), .use(Self.other), .listTubeUsed, from: session)
        #expect(
            script.replies(to: session) == [
                .using(.default), .inserted(TaskID(rawValue: 1)), .deleted, .using(Self.other), .using(Self.other),
            ]
        )
    }

    @Test func `all commands that have arrived are one batch`() {
        let sessions = (0..<3).map { _ in script.connect() }
        let before = script.batches.count
        for session in sessions { script.send(put, put, from: session) }
        script.turn()
        #expect(script.batches.count == before + 1)
        #expect(script.batches.last?.count == 6)
    }

    @Test func `consecutive reserves are one claim, and each is answered`() {
        let session = script.connect()
        script.store = { operation in
            guard case .claim(_, let count, _) = operation.action else { return nil }
            return .claimed((1...count).map { self.script.task(Int64($0)) })
        }
        script.send(.reserve, .reserve, .reserve, from: session)
        #expect(script.replies(to: session).count == 3)
        #expect(script.batches.last?.count == 1)
        #expect(session.claims.count == 3)
        #expect(script.table.sessions.counters[.reserve] == 3)
    }

    @Test func `a reserve that finds no task waits, and the commands behind it wait too`() {
        let session = script.connect()
        script.send(.reserve, put, .listTubeUsed, from: session)
        #expect(script.replies(to: session) == [])
        #expect(script.table.sessions.waiters.count == 1)
        #expect(Array(session.queue.requests) == [.command(put), .command(.listTubeUsed)])

        script.store = { operation in
            guard case .claim = operation.action else { return nil }
            return .claimed([self.script.task(7)])
        }
        script.table.sessions.waiters.wakeAll()
        #expect(
            script.replies(to: session) == [
                .reserved(TaskID(rawValue: 7), body: []), .inserted(TaskID(rawValue: 1)), .using(.default),
            ]
        )
        #expect(script.table.sessions.waiters.count == 0)
    }

    @Test func `puts that are held back are in the queue again, unchanged and counted`() throws {
        let session = script.connect()
        let key = try #require(UniqueKey("mail/7"))
        let unique = Command.put(priority: 2, delay: 3, timeToRun: 60, body: [1, 2, 3], key: key)
        script.send(.reserve, put, unique, from: session)
        #expect(session.queue.bytes == 4)
        #expect(script.replies(to: session) == [])
        #expect(Array(session.queue.requests) == [.command(put), .command(unique)])
        #expect(session.queue.bytes == 4)
        #expect(script.table.sessions.counters[.put] == 0 && script.table.sessions.counters[.putUnique] == 0)
    }

    @Test func `a locked command is run again a little later in its order, and other sessions do not wait`() throws {
        let (session, other) = (script.connect(), script.connect())
        var isLocked = true
        script.store = { operation in
            if case .delete = operation.action, isLocked { return .locked }
            // As a store does with the later operations of the session.
            if isLocked, operation.session == session.id { return .deferred }
            return nil
        }
        script.send(.delete(TaskID(rawValue: 7)), put, .use(TubeName("mail")!), put, from: session)
        script.send(put, from: other)
        #expect(script.replies(to: session) == [])
        #expect(script.replies(to: other) == [.inserted(TaskID(rawValue: 1))])
        #expect(!script.table.hasWork, "it is not tried again and again")
        script.pass(.milliseconds(50))
        #expect(script.replies(to: session) == [])
        isLocked = false
        script.pass(.milliseconds(50))
        #expect(
            script.replies(to: session) == [
                .deleted, .inserted(TaskID(rawValue: 2)), .using(TubeName("mail")!), .inserted(TaskID(rawValue: 3)),
            ]
        )
        // The put before "use" went into the earlier tube.
        let puts = script.batches.joined()
            .compactMap { operation -> TubeName? in
                if operation.session == session.id, case .put(let task) = operation.action { task.tube } else { nil }
            }
        #expect(puts.suffix(2) == [.default, TubeName("mail")!])
    }

    @Test func `a claim that gets too few tasks answers those and waits with one reserve`() {
        let session = script.connect()
        var pending = [script.task(1), script.task(2)]
        script.store = { operation in
            guard case .claim(_, let count, _) = operation.action else { return nil }
            defer { pending.removeFirst(min(count, pending.count)) }
            return .claimed(Array(pending.prefix(count)))
        }
        script.send(.reserve, .reserve, .reserve, .reserve, from: session)
        #expect(script.replies(to: session).count == 2)
        #expect(session.wait != nil)
        #expect(Array(session.queue.requests) == [.command(.reserve)])
        #expect(script.table.sessions.counters[.reserve] == 3)
    }

    @Test func `a put serves a waiting session of the same manager before the putting session's next command`() throws {
        let consumer = script.connect()
        let producer = script.connect()
        script.send(.reserve, from: consumer)
        script.replies(to: consumer)
        script.send(put, .statsTube(.default), from: producer)
        script.store = { operation in
            guard case .claim = operation.action else { return nil }
            return .claimed([self.script.task(1)])
        }
        script.turn()
        let batch = try #require(script.batches.last)
        #expect(batch.map(\.session) == [producer.id, consumer.id, producer.id])
        #expect(script.replies(to: consumer) == [.reserved(TaskID(rawValue: 1), body: [])])
    }

    @Test func `each of several puts serves one waiting session, the longest waiting first`() {
        let consumers = (0..<3).map { _ in script.connect() }
        let producer = script.connect()
        for consumer in consumers {
            script.send(.reserve, from: consumer)
            script.replies(to: consumer)
        }
        var served: [SessionID] = []
        script.store = { operation in
            guard case .claim = operation.action else { return nil }
            served.append(operation.session)
            return .claimed([self.script.task(Int64(served.count))])
        }
        script.send(put, put, from: producer)
        script.replies(to: producer)
        #expect(served == [consumers[0].id, consumers[1].id])
        #expect(script.table.sessions.waiters.count == 1)
    }

    @Test func `a put behind a claim in one batch reaches the session that has just begun to wait`() {
        let consumer = script.connect()
        let producer = script.connect()
        servePutTasks()
        script.send(.reserve, from: consumer)
        script.send(put, from: producer)
        #expect(script.replies(to: consumer) == [.reserved(TaskID(rawValue: 1), body: [])])
    }

    @Test func `a put behind a claim for a waiting session reaches that session too`() {
        let consumer = script.connect()
        let producer = script.connect()
        servePutTasks()
        script.send(.reserve, from: consumer)
        script.replies(to: consumer)
        script.table.sessions.waiters.wakeAll()
        script.send(put, from: producer)
        #expect(script.replies(to: consumer) == [.reserved(TaskID(rawValue: 1), body: [])])
    }

    /// Makes the script's store hand out the tasks that were put.
    private func servePutTasks() {
        var pending: [ClaimedTask] = []
        var last: Int64 = 0
        script.store = { operation in
            switch operation.action {
            case .put:
                last += 1
                pending.append(self.script.task(last))
                return .inserted(TaskID(rawValue: last))
            case .claim(_, let count, _):
                defer { pending.removeFirst(min(count, pending.count)) }
                return .claimed(Array(pending.prefix(count)))
            default:
                return nil
            }
        }
    }

    @Test func `reserve-with-timeout gives up in time, and 0 does not wait`() {
        let session = script.connect()
        script.send(.reserveWithTimeout(seconds: 0), from: session)
        #expect(script.replies(to: session) == [.timedOut])
        script.send(.reserveWithTimeout(seconds: 5), from: session)
        #expect(script.replies(to: session) == [])
        script.pass(.milliseconds(4999))
        #expect(script.replies(to: session) == [])
        script.pass(.milliseconds(1))
        #expect(script.replies(to: session) == [.timedOut])
        #expect(script.table.sessions.waiters.takeAbandoned() == [.default])
    }

    @Test func `a claim ends when its time to run is over, unless it was touched`() {
        let session = script.connect()
        hold(3, timeToRun: 10, session)
        script.pass(.seconds(9))
        script.send(.touch(TaskID(rawValue: 3)), from: session)
        #expect(script.replies(to: session) == [.touched])
        script.pass(.seconds(9))
        #expect(session.claims.count == 1)
        script.pass(.seconds(1))
        #expect(script.batches.last?.map(\.action) == [.expire(TaskID(rawValue: 3))])
        #expect(session.claims.isEmpty)
        #expect(script.table.sessions.counters.timeouts == 1)
    }

    @Test func `a reserve gets DEADLINE_SOON in the last second, also if it began to wait earlier`() {
        let session = script.connect()
        hold(3, timeToRun: 10, session)
        script.send(.reserve, from: session)
        #expect(script.replies(to: session) == [])
        script.pass(.seconds(9))
        #expect(script.replies(to: session) == [.deadlineSoon])
        script.send(.reserve, from: session)
        #expect(script.replies(to: session) == [.deadlineSoon])
    }

    @Test func `a delete before a reserve in one packet counts for DEADLINE_SOON`() {
        let session = script.connect()
        hold(3, timeToRun: 1, session)
        script.send(.delete(TaskID(rawValue: 3)), .reserveWithTimeout(seconds: 0), from: session)
        #expect(script.replies(to: session) == [.deleted, .timedOut])
    }

    @Test func `a closed connection gives back its claims and is counted out, and its queue is dropped`() {
        let session = script.connect()
        hold(3, timeToRun: 10, session)
        script.send(put, from: session)
        script.table.sessions.close(session)
        script.turn()
        #expect(
            script.batches.last?.map(\.action) == [
                .countUse(.default, using: 0, watching: -1), .countUse(.default, using: -1, watching: 0),
                .disconnect(releasing: .ownClaims),
            ]
        )
        #expect(script.table.sessions.openSessions == 0)
    }

    @Test func `a half-closed connection gets its answers, TIMED_OUT for a reserve that waits, and is then closed`() {
        let session = script.connect()
        script.send(.reserve, put, from: session)
        script.replies(to: session)
        script.table.sessions.finish(session)
        #expect(script.replies(to: session) == [.timedOut, .inserted(TaskID(rawValue: 1))])
        #expect(session.closing == .now)
    }

    @Test func `quit closes after the answers before it, and no command behind it is carried out`() {
        let session = script.connect()
        script.send(put, .quit, put, from: session)
        #expect(script.replies(to: session) == [.inserted(TaskID(rawValue: 1))])
        #expect(session.closing == .now)
    }

    @Test func `in drain mode a put is refused and all other commands work`() {
        let session = script.connect()
        script.table.sessions.isDraining = true
        script.send(put, .listTubeUsed, from: session)
        #expect(script.replies(to: session) == [.draining, .using(.default)])
    }

    @Test func `ignore keeps one tube and fills the gap with the last tube`() {
        let session = script.connect()
        let names = ["a", "b", "c"].map { TubeName($0)! }
        for name in names { script.send(.watch(name), from: session) }
        script.send(.watch(names[0]), .ignore(.default), .listTubesWatched, from: session)
        #expect(
            script.replies(to: session) == [
                .watching(2), .watching(3), .watching(4), .watching(4), .watching(3),
                .ok(Array("---\n- c\n- a\n- b\n".utf8)),
            ]
        )
        for name in names { script.send(.ignore(name), from: session) }
        #expect(script.replies(to: session) == [.watching(2), .watching(1), .notIgnored])
    }

    @Test func `one session's share of a batch is bounded, and the rest comes in the next batches`() {
        let script = SessionScript(limits: .init(commands: 10, bodies: 2))
        let session = script.connect()
        for _ in 0..<25 { script.send(put, from: session) }
        script.turn()
        #expect(script.batches.last?.count == 10)
        #expect(script.replies(to: session).count == 25)
        for _ in 0..<5 { script.send(.peekNext(.pending), from: session) }
        script.turn()
        #expect(script.batches.last?.count == 2)
        #expect(script.replies(to: session).count == 5)
    }

    @Test func `a batch that fails as a whole answers every command, and expired claims are ended again later`() {
        let session = script.connect()
        hold(3, timeToRun: 10, session)
        script.now.instant += .seconds(10)
        script.send(put, .peekNext(.pending), .listTubeUsed, from: session)
        _ = script.table.makeBatch(at: script.now)
        script.table.fail(with: .internalError, at: script.now)
        #expect(session.replies == [.internalError, .internalError, .using(.default)])
        script.pass(.seconds(1))
        #expect(script.batches.last?.first?.action == .expire(TaskID(rawValue: 3)))
    }

    @Test func `a batch of unknown outcome is not answered, and the connections of its clients end`() {
        let session = script.connect()
        let other = script.connect()
        script.send(.listTubeUsed, put, .listTubeUsed, .peekNext(.pending), from: session)
        script.send(.listTubeUsed, from: other)
        _ = script.table.makeBatch(at: script.now)
        script.table.fail(with: nil, at: script.now)
        #expect(session.replies == [.using(.default)] && session.closing == .now)
        #expect(other.replies == [.using(.default)] && other.closing == .open)
    }

    @Test func `a tube is cleared in steps, and the commands behind wait for the last step`() {
        let session = script.connect()
        var left = 2500
        script.store = { operation in
            guard case .clear(_, _, let limit) = operation.action else { return nil }
            defer { left -= min(left, limit) }
            return .cleared(min(left, limit))
        }
        script.send(.clearTube(.default, .pending), .listTubeUsed, from: session)
        let before = script.batches.count
        #expect(script.replies(to: session) == [.cleared(2500), .using(.default)])
        #expect(script.batches.count == before + 3)
    }

    @Test func `a named session brings its claims to the connection, and keeps them when the connection ends`() {
        let session = script.connect()
        let held = HeldClaim(id: TaskID(rawValue: 9), tube: .default, timeToRun: 10, timeLeft: 3000)
        script.store = { operation in
            guard case .attach = operation.action else { return nil }
            return .attached([held])
        }
        script.send(.session(SessionName("worker")!), from: session)
        #expect(script.replies(to: session) == [.session(claims: 1)])
        script.pass(.milliseconds(2500))
        script.send(.reserve, from: session)
        #expect(script.replies(to: session) == [.deadlineSoon])
        script.pass(.milliseconds(500))
        #expect(script.batches.last?.map(\.action) == [.expire(held.id)])
    }

    @Test func `a displaced connection gets SESSION_TAKEN, also if its reserve waits`() {
        let session = script.connect()
        hold(3, timeToRun: 10, session)
        script.send(.reserve, .delete(TaskID(rawValue: 3)), from: session)
        script.replies(to: session)
        script.store = { operation in
            switch operation.action {
            case .claim, .delete: .superseded
            default: nil
            }
        }
        script.table.sessions.waiters.wakeAll()
        #expect(script.replies(to: session) == [.sessionTaken, .sessionTaken])
        #expect(session.claims.isEmpty)
    }

    @Test func `a task for which a displaced connection waited is tried for the other sessions that wait`() {
        let (superseded, other) = (script.connect(), script.connect())
        script.store = { if case .claim = $0.action { .claimed([]) } else { nil } }
        for session in [superseded, other] {
            script.send(.reserve, from: session)
            script.replies(to: session)
        }
        script.store = { operation in
            guard case .claim = operation.action else { return nil }
            return operation.session == superseded.id ? .superseded : .claimed([self.script.task(7, timeToRun: 10)])
        }
        script.send(put, from: script.connect())
        #expect(script.replies(to: superseded) == [.sessionTaken])
        #expect(script.replies(to: other) == [.reserved(TaskID(rawValue: 7), body: [])])
    }

    @Test func `a waiting connection is told at once if another one here attaches to its named session`() throws {
        let name = try #require(SessionName("worker"))
        let (waiting, other) = (script.connect(), script.connect())
        script.store = { if case .claim = $0.action { .claimed([]) } else { nil } }
        script.send(.session(name), .reserve, from: waiting)
        script.replies(to: waiting)
        script.store = { if case .claim = $0.action { .superseded } else { nil } }
        script.send(.session(name), from: other)
        #expect(script.replies(to: other) == [.session(claims: 0)])
        #expect(script.replies(to: waiting).last == .sessionTaken)
    }

    /// Lets the session claim a task.
    private func hold(_ id: Int64, timeToRun: UInt32, _ session: Session) {
        let usual = script.store
        script.store = { operation in
            guard case .claim = operation.action else { return nil }
            return .claimed([self.script.task(id, timeToRun: timeToRun)])
        }
        script.send(.reserve, from: session)
        script.replies(to: session)
        script.store = usual
    }
}
