import BeanrowClient
import BeanstalkWire
import Synchronization
import Testing

@Suite struct PutTests {
    let tube = TubeName("mail")!

    func tasks(_ count: Int) -> [NewTask] {
        (1...count).map { NewTask(tube: tube, priority: 1, delay: 2, timeToRun: 3, body: bytes("\($0)")) }
    }

    @Test func `tasks are put into the tube, and their ids returned`() async throws {
        let queue = FakeQueue()
        let manager = try await FakeManager.start(queue.react)
        try await withClient([manager.address]) { client async throws in
            let id = try await client.put(bytes("one"), in: tube, priority: 7, delay: 8, timeToRun: 9)
            #expect(id == TaskID(rawValue: 1))
            let outcomes = await client.put(tasks(1000))
            #expect(try outcomes.map { try $0.get().rawValue } == Array(2...1001))
        }
        #expect(
            manager.commands.prefix(2) == [.use(tube), .put(priority: 7, delay: 8, timeToRun: 9, body: bytes("one"))]
        )
        #expect(queue.tasks.map(\.body) == [bytes("one")] + (1...1000).map { bytes("\($0)") })
        #expect(queue.tasks.allSatisfy { $0.tube == tube })
        try await manager.stop()
    }

    @Test func `a batch may go to several tubes`() async throws {
        let queue = FakeQueue()
        let manager = try await FakeManager.start(queue.react)
        let names = ["a", "b", "b", "a", "default"].map { TubeName($0)! }
        let batch = names.map { NewTask(tube: $0, priority: 1, delay: 0, timeToRun: 1, body: bytes($0.text)) }
        try await withClient([manager.address]) { client async throws in
            for outcome in await client.put(batch) { _ = try outcome.get() }
        }
        #expect(queue.tasks.map(\.tube) == names)
        #expect(queue.bodies == names.map(\.text))
        try await manager.stop()
    }

    @Test func `a put goes to another manager if the first one cannot be reached`() async throws {
        let dead = FakeManager.deadAddress()
        let manager = try await FakeManager.start(FakeQueue().react)
        let time = VirtualTime()
        try await withClient([dead, manager.address], .testing(time)) { client async throws in
            #expect(try await client.put(bytes("x")) == TaskID(rawValue: 1))
        }
        #expect(time.sleeps.isEmpty)
        try await manager.stop()
    }

    @Test func `the outcome is unknown if the manager dies before it answers`() async throws {
        let other = FakeQueue()
        let dying = try await FakeManager.start { _, command in
            if command.verb == .put { .hangUp } else { .answer(.using(.default)) }
        }
        let manager = try await FakeManager.start(other.react)
        try await withClient([dying.address, manager.address]) { client async throws in
            #expect(await errorCode { try await client.put(bytes("x")) } == .putOutcomeUnknown)
            #expect(other.tasks.isEmpty)
            #expect(try await client.put(bytes("y")) == TaskID(rawValue: 1))
        }
        #expect(other.bodies == ["y"])
        try await dying.stop()
        try await manager.stop()
    }

    @Test func `answered, unknown and unsent puts are told apart`() async throws {
        let first = FakeQueue()
        let second = FakeQueue()
        let seen = Mutex(0)
        let dying = try await FakeManager.start { connection, command in
            guard command.verb == .put else { return first.react(connection, command) }
            let count = seen.withLock { seen in
                seen += 1
                return seen
            }
            return count <= 100 ? first.react(connection, command) : .hangUp
        }
        let manager = try await FakeManager.start(second.react)
        var options = BeanrowClient.Options.testing()
        options.commandsInFlight = 128
        let outcomes = try await withClient([dying.address, manager.address], options) { client async throws in
            await client.put(tasks(384))
        }
        // Requests of 128 puts are sent one after the other. 100 puts of the first request were answered.
        #expect(outcomes.prefix(100).allSatisfy { (try? $0.get()) != nil })
        let unknown = outcomes[100..<128]
            .map { outcome -> ClientError.Code? in
                if case .failure(let error) = outcome { error.code } else { nil }
            }
        #expect(unknown == Array(repeating: .putOutcomeUnknown, count: 28))
        #expect(outcomes.dropFirst(128).allSatisfy { (try? $0.get()) != nil })
        #expect(second.bodies == (129...384).map { "\($0)" })
        try await dying.stop()
        try await manager.stop()
    }
}
