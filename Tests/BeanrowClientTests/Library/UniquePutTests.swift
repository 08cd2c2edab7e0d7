import BeanrowClient
import BeanstalkWire
import Synchronization
import Testing

@Suite struct UniquePutTests {
    private func tasks(_ count: Int) -> [NewTask] {
        (1...count).map { NewTask(tube: .default, priority: 1, delay: 2, timeToRun: 3, body: bytes("\($0)")) }
    }

    private func keys(_ manager: FakeManager) -> [UniqueKey] {
        manager.commands.compactMap { if case .put(_, _, _, _, let key) = $0 { key } else { nil } }
    }

    private func isPut(_ command: Command) -> Bool { command.verb == .put || command.verb == .putUnique }

    /// Starts a manager that hangs up at some puts, before or after it has carried them out.
    private func manager(
        over queue: FakeQueue,
        first: Int = 0,
        hangsUpAt numbers: Set<Int>,
        carriesOut: Bool
    ) async throws -> FakeManager {
        let seen = Mutex(0)
        return try await FakeManager.start(over: queue, first: first) { connection, command in
            guard command.verb == .putUnique else { return nil }
            let number = seen.withLock { seen in
                seen += 1
                return seen
            }
            guard numbers.contains(number) else { return nil }
            if carriesOut { _ = queue.react(first + connection, command) }
            return .hangUp
        }
    }

    @Test func `every put has its own key`() async throws {
        let queue = FakeQueue()
        let manager = try await FakeManager.start(over: queue)
        try await withClient([manager.address]) { client async throws in
            try await client.put(bytes("x"))
            for outcome in await client.put(tasks(300)) { _ = try outcome.get() }
        }
        try await withClient([manager.address]) { client async throws in
            try await client.put(bytes("y"))
        }
        #expect(Set(keys(manager)).count == 302)
        #expect(keys(manager).allSatisfy { $0.text.utf8.count >= 22 })
        #expect(queue.tasks.count == 302)
        try await manager.stop()
    }

    @Test(arguments: [false, true]) func `a put without an answer is repeated`(carriesOut: Bool) async throws {
        let queue = FakeQueue()
        let manager = try await manager(over: queue, hangsUpAt: [1, 2], carriesOut: carriesOut)
        try await withClient([manager.address]) { client async throws in
            #expect(try await client.put(bytes("x")) == TaskID(rawValue: 1))
        }
        #expect(queue.bodies == ["x"])
        #expect(keys(manager).count == 3)
        #expect(Set(keys(manager)).count == 1)
        try await manager.stop()
    }

    @Test(arguments: [false, true]) func `many puts are each in the queue once`(carriesOut: Bool) async throws {
        let queue = FakeQueue()
        let managers = [
            try await manager(over: queue, hangsUpAt: [100, 400], carriesOut: carriesOut),
            try await manager(over: queue, first: 1000, hangsUpAt: [1, 50], carriesOut: carriesOut),
        ]
        let outcomes = try await withClient(managers.map(\.address)) { client async throws in
            await client.put(tasks(1000))
        }
        let ids = try outcomes.map { try $0.get() }
        #expect(queue.bodies.sorted() == (1...1000).map { "\($0)" }.sorted())
        let bodies = Dictionary(uniqueKeysWithValues: queue.tasks.map { ($0.id, $0.body) })
        for (number, id) in ids.enumerated() { #expect(bodies[id] == bytes("\(number + 1)")) }
        for manager in managers { try await manager.stop() }
    }

    @Test func `the outcome is unknown only if no manager can be reached`() async throws {
        let manager = try await FakeManager.start(over: FakeQueue()) { _, command in
            command.verb == .putUnique ? .hangUp : nil
        }
        let time = VirtualTime()
        try await withClient([manager.address], .testing(time)) { client async throws in
            #expect(await errorCode { try await client.put(bytes("x")) } == .putOutcomeUnknown)
        }
        #expect(time.sleeps.reduce(.zero, +) == .seconds(10))
        #expect(Set(keys(manager)).count == 1)
        try await manager.stop()
    }

    @Test func `a task that may be in the queue is never put without its key`() async throws {
        let dying = try await FakeManager.start(over: FakeQueue()) { _, command in
            command.verb == .putUnique ? .hangUp : nil
        }
        let old = try await FakeManager.start(FakeQueue().react)
        try await withClient([dying.address, old.address]) { client async throws in
            #expect(await errorCode { try await client.put(bytes("x")) } == .putOutcomeUnknown)
        }
        #expect(old.commands.isEmpty)
        for manager in [dying, old] { try await manager.stop() }
    }

    @Test func `a server without keys is asked once and never sent a key`() async throws {
        let queue = FakeQueue()
        let manager = try await FakeManager.start(queue.react)
        try await withClient([manager.address]) { client async throws in
            for body in ["a", "b"] { try await client.put(bytes(body)) }
            let key = try #require(UniqueKey("mine"))
            #expect(await errorCode { try await client.put(bytes("c"), uniqueKey: key) } == .unknownCommand)
        }
        let asked = manager.journal.events.filter { if case .unknown = $0 { true } else { false } }
        #expect(asked == [.unknown(0, .clearTube)])
        #expect(queue.bodies == ["a", "b"])
        try await manager.stop()
    }

    @Test func `a given key is put once`() async throws {
        let queue = FakeQueue()
        let managers = try await FakeManager.start(2, over: queue)
        let key = try #require(UniqueKey("order-17"))
        for manager in managers {
            try await withClient([manager.address]) { client async throws in
                #expect(try await client.put(bytes("x"), uniqueKey: key) == TaskID(rawValue: 1))
            }
        }
        #expect(queue.bodies == ["x"])
        #expect(managers.flatMap(keys) == [key, key])
        for manager in managers { try await manager.stop() }
    }

    @Test func `there must be one key per task`() async throws {
        let manager = try await FakeManager.start(over: FakeQueue())
        let keys = try ["a", "b"].map { try #require(UniqueKey($0)) }
        try await withClient([manager.address]) { client async throws in
            let outcomes = await client.put(tasks(3), uniqueKeys: keys)
            #expect(
                outcomes.allSatisfy { if case .failure(let error) = $0 { error.code == .badFormat } else { false } }
            )
            #expect(try await client.put(tasks(2), uniqueKeys: keys).map { try $0.get().rawValue } == [1, 2])
        }
        try await manager.stop()
    }

    @Test func `puts carry no keys if the option is off`() async throws {
        let manager = try await FakeManager.start(over: FakeQueue()) { _, command in
            if case .put(_, _, _, bytes("lost"), _) = command { .hangUp } else { nil }
        }
        var options = BeanrowClient.Options.testing()
        options.putsWithKeys = false
        try await withClient([manager.address], options) { client async throws in
            try await client.put(bytes("x"))
            #expect(await errorCode { try await client.put(bytes("lost")) } == .putOutcomeUnknown)
        }
        #expect(manager.commands.map(\.verb) == [.put, .put])
        try await manager.stop()
    }
}
