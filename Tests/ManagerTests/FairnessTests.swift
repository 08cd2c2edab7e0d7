import BeanstalkWire
import TaskStore
import Testing

@testable import Manager

/// Sessions that ask for more than one batch takes, and batches that fail.
@Suite struct FairnessTests {
    private let put = Command.put(priority: 0, delay: 0, timeToRun: 1, body: [])

    @Test func `each session has an equal share if more has arrived than one batch takes`() {
        let script = SessionScript(limits: .init(commandsInAll: 100))
        let sessions = (1...4).map { _ in script.connect() }
        let polite = script.connect()
        for session in sessions { for _ in 0..<1000 { script.send(put, from: session) } }
        script.send(.listTubeUsed, from: polite)
        script.turn()
        #expect(sessions.map(\.replies.count).allSatisfy { (15...25).contains($0) })
        #expect(polite.replies == [.using(.default)])
        #expect(script.table.isTruncated)
        while script.table.hasWork { script.turn() }
        #expect(sessions.map(\.replies.count) == [1000, 1000, 1000, 1000])
        #expect(!script.table.isTruncated)
    }

    @Test func `a session for which the batch had no room comes first in the next batch`() {
        let script = SessionScript(limits: .init(commandsInAll: 32))
        // The least share is sixteen commands, so that two sessions fill the batch.
        let sessions = (1...5).map { _ in script.connect() }
        for session in sessions { for _ in 0..<64 { script.send(put, from: session) } }
        for served in [[16, 16, 0, 0, 0], [16, 16, 16, 16, 0], [32, 16, 16, 16, 16]] {
            script.turn()
            #expect(sessions.map(\.replies.count) == served)
        }
    }

    @Test func `a list of tubes is the last large answer in a batch`() {
        let script = SessionScript()
        let session = script.connect()
        script.send(.listTubes, .listTubeUsed, .listTubesWatched, .peekNext(.pending), from: session)
        script.turn()
        #expect(session.replies.count == 1)
        #expect(script.replies(to: session).count == 4)
    }

    @Test func `one batch has as many bodies as fit into 4 MiB`() {
        func limits(_ size: Int) -> BatchLimits {
            BatchLimits(ManagerConfiguration(maximumTaskSize: size, version: ""))
        }
        #expect(limits(65535).bodies == 64)
        #expect(limits(1 << 20).bodies == 4)
        #expect(limits(1 << 30).bodies == 1)
        #expect(limits(1).bodies == 64)
    }

    @Test func `the sockets are read between the steps of clearing a tube`() {
        let script = SessionScript()
        let session = script.connect()
        var steps = 0
        script.store = { operation in
            guard case .clear(_, _, let limit) = operation.action else { return nil }
            steps += 1
            return .cleared(steps < 3 ? limit : 1)
        }
        script.send(.clearTube(.default, .pending), .listTubeUsed, from: session)
        for step in 1...3 {
            #expect(session.replies.isEmpty)
            script.turn()
            #expect(steps == step)
            #expect(script.table.isTruncated)
        }
        #expect(script.replies(to: session) == [.cleared(2001), .using(.default)])
        #expect(!script.table.isTruncated)
    }

    @Test func `a failure between two batches does not concern sessions that were answered`() {
        let script = SessionScript()
        let session = script.connect()
        script.send(put, .listTubeUsed, from: session)
        script.turn()
        let answers = session.replies
        #expect(answers.count == 2)
        script.table.fail(with: .internalError, at: script.now)
        #expect(session.replies == answers)
        #expect(!script.table.hasWork)
    }

    @Test(arguments: [false, true])
    func `a session that was woken is served after a batch that failed`(_ byTube: Bool) {
        let script = SessionScript()
        let (waiting, other) = (script.connect(), script.connect())
        script.send(.reserve, from: waiting)
        script.turn()
        if byTube { script.send(put, from: other) } else { script.table.sessions.waiters.wakeAll() }
        #expect(script.table.makeBatch(at: script.now).contains { $0.session == waiting.id })
        script.table.fail(with: .outOfMemory, at: script.now)
        #expect(script.table.hasWork)
        script.store = { operation in
            guard case .claim = operation.action else { return nil }
            return .claimed([script.task(7)])
        }
        #expect(script.replies(to: waiting) == [.reserved(TaskID(rawValue: 7), body: [])])
    }

    @Test func `a watch above the limit is refused`() {
        let script = SessionScript(limits: .init(watchedTubes: 2))
        let session = script.connect()
        script.send(.watch(TubeName("a")!), .watch(TubeName("b")!), .watch(TubeName("a")!), from: session)
        #expect(script.replies(to: session) == [.watching(2), .outOfMemory, .watching(2)])
    }
}

/// Clients that begin a command and do not complete it.
@Suite struct CommandProgressTests {
    private func looks(_ progress: inout CommandProgress, untilStalled most: Int, _ between: () -> Void) -> Int? {
        for look in 1...most {
            between()
            if progress.isStalled(isMidCommand: true) { return look }
        }
        return nil
    }

    @Test func `four looks in a row may find no progress`() {
        var progress = CommandProgress()
        #expect(looks(&progress, untilStalled: 100) {} == 5)
    }

    @Test func `a few bytes are not progress, but a large part of a body or a command is`() {
        for (bytes, commands, isStalled) in [(100, 0, true), (16 * 1024, 0, false), (0, 1, false)] {
            var progress = CommandProgress()
            var stalled = false
            for _ in 1...100 {
                progress.received(bytes)
                for _ in 0..<commands { progress.completed() }
                stalled = stalled || progress.isStalled(isMidCommand: true)
            }
            #expect(stalled == isStalled)
        }
    }

    @Test func `a client between two commands is never stalled`() {
        var progress = CommandProgress()
        for look in 1...100 {
            let isStalled = progress.isStalled(isMidCommand: look % 4 != 0)
            #expect(!isStalled)
        }
    }

    @Test func `the number of connections follows the number of free descriptors`() {
        #expect(DescriptorLimit.possible(of: 1000, descriptors: 1 << 20).connections == 1000)
        #expect(DescriptorLimit.possible(of: 16_384, descriptors: 1024).connections == 1024 - DescriptorLimit.others)
        #expect(DescriptorLimit.possible(of: 10, descriptors: 20).connections == 1)
        #expect(DescriptorLimit.possible(of: 10, descriptors: .max).connections == 10)
        // Handshakes leave most descriptors for connections.
        let few = DescriptorLimit.possible(of: 16_384, handshakes: 1024, descriptors: 1024)
        #expect(few == DescriptorLimit.Possible(connections: 624, handshakes: 208))
    }

    @Test func `a failure is logged when it begins, and later with its count`() {
        var log = FailureLog()
        let start = ContinuousClock.now
        #expect(log.note("a", at: start) == 1)
        for second in 1...9 { #expect(log.note("a", at: start + .seconds(second)) == nil) }
        #expect(log.note("a", at: start + .seconds(10)) == 10)
        #expect(log.note("b", at: start + .seconds(11)) == 1)
    }
}

/// Sessions with large bodies beside sessions with small ones.
@Suite struct HeavySessionsTests {
    private let script = SessionScript(limits: .init(bytesBesideLight: 500_000))

    /// Returns sessions whose answers were large, and that ask for more.
    private func heavy(_ count: Int) -> [Session] {
        (0..<count)
            .map { _ in
                let session = script.connect()
                session.hadAnswers(ofBytes: 50_000)
                for _ in 0..<20 { script.send(.peekNext(.pending), from: session) }
                return session
            }
    }

    @Test func `heavy sessions share a small part of a batch with light ones, in turn`() {
        let sessions = heavy(4)
        let light = script.connect()
        for _ in 1...8 {
            script.send(.listTubeUsed, from: light)
            script.turn()
            #expect(light.replies.count == 1, "it is served in each batch")
            light.forgetReplies(keepingRoomFor: 0)
            #expect(script.batches.last?.count ?? 0 <= 10)
        }
        #expect(sessions.map(\.replies.count) == [20, 20, 20, 20])
    }

    @Test func `without light sessions a batch has as much for heavy ones as before`() {
        let sessions = heavy(4)
        script.turn()
        #expect(sessions.map(\.replies.count) == [20, 20, 20, 20])
    }

    @Test func `puts of large bodies are shared out in the same way`() {
        let sessions = (0..<3).map { _ in script.connect() }
        let light = script.connect()
        let put = Command.put(priority: 0, delay: 0, timeToRun: 1, body: Array(repeating: 1, count: 60_000))
        for session in sessions { for _ in 0..<8 { script.send(put, from: session) } }
        var turns = 0
        while sessions.contains(where: { $0.replies.count < 8 }), turns < 10 {
            script.send(.listTubeUsed, from: light)
            script.turn()
            turns += 1
            #expect(light.replies.count == turns)
            #expect(script.batches.last?.count ?? 0 <= 9)
        }
        #expect(turns == 3)
    }

    @Test func `reserves that are sent together count as that number of bodies`() {
        let session = script.connect()
        session.hadAnswers(ofBytes: 50_000)
        let light = script.connect()
        for _ in 0..<30 { script.send(.reserveWithTimeout(seconds: 0), from: session) }
        script.send(.listTubeUsed, from: light)
        script.turn()
        #expect(session.replies.count == 10)
        #expect(script.replies(to: session).count == 30)
    }
}
