import BeanstalkWire
import TaskStore
import Testing

@testable import Manager

/// Batches of sessions, without a store and without answers.
@Suite struct BatchBuilderTests {
    private var builder = BatchBuilder(BatchLimits())
    private var sessions = SessionRegistry()
    private let now = Moment(instant: .now, timestamp: Timestamp(rawValue: 0))

    private mutating func connect(_ number: UInt32) -> Session {
        let session = Session(id: SessionID(connection: number, of: ManagerID(rawValue: 1)))
        sessions.open(session)
        return session
    }

    private mutating func build() -> [Action] {
        builder.batch.forgetEntries()
        return builder.build(from: &sessions, at: now).map(\.action)
    }

    private let put = Command.put(priority: 1, delay: 0, timeToRun: 9, body: [7], key: nil)
    private var task: NewTask { NewTask(tube: .default, priority: 1, delay: 0, timeToRun: 9, body: [7]) }

    @Test mutating func `a new session is counted at the default tube first`() {
        let session = connect(1)
        sessions.receive(.command(put), from: session)
        #expect(build() == [.countUse(.default, using: 1, watching: 1), .put(task)])
        #expect(session.queue.isEmpty && session.queue.bytes == 0)
    }

    @Test mutating func `a waiting session gets a task before a later command can see or take it`() {
        let (waiting, other) = (connect(1), connect(2))
        _ = build()
        sessions.beginWait(of: waiting, until: nil)
        sessions.receive(.command(put), from: other)
        sessions.receive(.command(.peekNext(.pending)), from: other)
        let serve = Action.claim(tubes: [.default], count: 1, waits: true)
        #expect(build() == [.put(task), serve, .peekNext(.default, .pending)])
        #expect(builder.batch.claimOrder == .oneMayWait)
    }

    @Test(arguments: [Command.kickJob(TaskID(rawValue: 3)), .pauseTube(.default, seconds: 0)])
    mutating func `a waiting session is tried behind a command whose tube is not known`(command: Command) {
        let (waiting, other) = (connect(1), connect(2))
        _ = build()
        sessions.beginWait(of: waiting, until: nil)
        sessions.receive(.command(command), from: other)
        #expect(build().last == .claim(tubes: [.default], count: 1, waits: true))
    }

    @Test mutating func `tasks behind a claim that may wait are noted`() {
        let (consumer, producer) = (connect(1), connect(2))
        _ = build()
        sessions.receive(.command(.reserve), from: consumer)
        _ = build()
        #expect(builder.batch.claimOrder == .oneMayWait)
        sessions.receive(.command(.reserve), from: consumer)
        sessions.receive(.command(.release(TaskID(rawValue: 1), priority: 0, delay: 0)), from: producer)
        _ = build()
        #expect(builder.batch.claimOrder == .pendingBehindClaim)
    }

    @Test mutating func `a session that does not fit leaves the rest for the next batch`() {
        builder = BatchBuilder(BatchLimits(commands: 2))
        let session = connect(1)
        for _ in 0..<3 { sessions.receive(.command(put), from: session) }
        #expect(build().count == 3)
        #expect(builder.batch.rest == .commands)
        #expect(build() == [.put(task)])
        #expect(builder.batch.rest == .nothing)
    }
}
