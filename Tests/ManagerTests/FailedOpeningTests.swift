import BeanstalkWire
import TaskStore
import Testing

@testable import Manager

/// Connections that are opened while the database is away.
@Suite struct FailedOpeningTests {
    private let script = SessionScript()
    private let put = Command.put(priority: 1, delay: 0, timeToRun: 1, body: [], key: nil)

    /// Opens a session whose first batch fails.
    private func connect(_ commands: Command...) -> Session {
        let session = Session(id: SessionID(connection: 9, of: ManagerID(rawValue: 1)))
        script.table.sessions.open(session)
        for command in commands { script.table.sessions.receive(.command(command), from: session) }
        fail()
        return session
    }

    private func fail() {
        _ = script.table.makeBatch(at: script.now)
        script.table.fail(with: .internalError, at: script.now)
        _ = script.table.sessions.takeAnswered()
    }

    @Test func `a command that needs no database is answered`() {
        let session = connect(.listTubeUsed, .listTubesWatched)
        #expect(session.replies.first == .using(.default))
        #expect(session.replies.count == 2)
        #expect(session.closing == .open)
    }

    @Test func `a command that needs the database gets an error, and the next one succeeds once it is back`() {
        let session = connect(put)
        #expect(session.replies == [.internalError])
        session.forgetReplies(keepingRoomFor: 0)
        script.send(put, from: session)
        #expect(script.replies(to: session) == [.inserted(TaskID(rawValue: 1))])
        #expect(script.batches.last?.first?.action == .countUse(.default, using: 1, watching: 1))
        #expect(session.counted.used == .default)
        #expect(session.counted.watched == [.default])
    }

    @Test func `a session that ends before it was counted is not counted out`() {
        let session = connect()
        script.table.sessions.close(session)
        script.turn()
        #expect(script.batches.joined().map(\.action) == [.disconnect(releasing: .ownClaims)])
    }
}
