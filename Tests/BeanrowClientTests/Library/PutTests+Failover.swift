import BeanrowClient
import BeanstalkWire
import Synchronization
import Testing

extension PutTests {
    @Test(arguments: [Reply.draining, .outOfMemory])
    func `a put that is refused for now goes to another manager`(_ refusal: Reply) async throws {
        let queue = FakeQueue()
        let full = try await FakeManager.start { _, _ in .answer(refusal) }
        let manager = try await FakeManager.start(queue.react)
        try await withClient([full.address, manager.address]) { client async throws in
            try await client.put(bytes("x"))
            try await client.put(bytes("y"))
        }
        #expect(queue.bodies == ["x", "y"])
        // The second put goes directly to the manager that accepted the first one.
        #expect(full.commands.count <= 2)
        try await full.stop()
        try await manager.stop()
    }

    @Test func `if all managers refuse, the delay between attempts grows`() async throws {
        let refusals = Mutex(4)
        let queue = FakeQueue()
        let manager = try await FakeManager.start { connection, command in
            let refuses = refusals.withLock { left in
                left -= 1
                return left >= 0
            }
            return refuses ? .answer(.draining) : queue.react(connection, command)
        }
        let time = VirtualTime()
        var options = BeanrowClient.Options.testing(time)
        options.backoff = ExponentialBackoff(first: .milliseconds(100), limit: .milliseconds(300))
        try await withClient([manager.address], options) { client async throws in
            try await client.put(bytes("x"))
        }
        #expect(time.sleeps == [100, 200, 300].map { .milliseconds($0) })
        #expect(queue.bodies == ["x"])
        try await manager.stop()
    }

    @Test func `if all managers refuse for too long, the put fails`() async throws {
        let manager = try await FakeManager.start { _, _ in .answer(.draining) }
        let time = VirtualTime()
        try await withClient([manager.address], .testing(time)) { client async throws in
            #expect(await errorCode { try await client.put(bytes("x")) } == .draining)
        }
        #expect(time.sleeps.reduce(Duration.zero, +) == .seconds(10))
        try await manager.stop()
    }

    @Test(arguments: [
        (Reply.jobTooBig, ClientError.Code.jobTooBig), (.expectedCRLF, .expectedCRLF), (.badFormat, .badFormat),
        (.internalError, .internalError), (.unknownCommand, .unknownCommand),
    ])
    func `a put that is refused for good is not repeated`(_ refusal: Reply, code: ClientError.Code) async throws {
        let manager = try await FakeManager.start { _, _ in .answer(refusal) }
        try await withClient([manager.address, manager.address]) { client async throws in
            #expect(await errorCode { try await client.put(bytes("x")) } == code)
        }
        #expect(manager.commands.count == 1)
        try await manager.stop()
    }

    @Test func `the error names the managers that were tried`() async throws {
        let dead = [FakeManager.deadAddress(), FakeManager.deadAddress()]
        let time = VirtualTime()
        try await withClient(dead, .testing(time)) { client async throws in
            let error = await #expect(throws: ClientError.self) { try await client.put(bytes("x")) }
            #expect(error?.code == .noManagerReachable)
            #expect(error?.attempts.map(\.address) == dead)
            let text = dead.map { "\($0) (connection refused)" }.joined(separator: ", ")
            #expect(error?.description == "no manager reachable: \(text)")
        }
        #expect(time.sleeps.reduce(Duration.zero, +) == .seconds(10))
    }

    @Test func `the delay grows for a manager that cannot be reached`() async throws {
        let time = VirtualTime()
        try await withClient([FakeManager.deadAddress()], .testing(time)) { client async throws in
            #expect(await errorCode { try await client.put(bytes("x")) } == .noManagerReachable)
        }
        #expect(Array(time.sleeps.prefix(4)) == [50, 100, 200, 400].map { .milliseconds($0) })
        #expect(time.sleeps.allSatisfy { $0 <= .seconds(2) })
    }

    @Test func `there is a delay if connections are closed at once`() async throws {
        let manager = try await FakeManager.startClosing()
        let time = VirtualTime()
        try await withClient([manager.address], .testing(time)) { client async throws in
            #expect(await errorCode { try await client.statistics() } != nil)
        }
        #expect(time.sleeps.allSatisfy { $0 >= .milliseconds(50) || $0 == time.sleeps.last })
        #expect(time.sleeps.reduce(Duration.zero, +) == .seconds(10))
        try await manager.stop()
    }

    @Test func `a manager that starts later is found`() async throws {
        let address = FakeManager.deadAddress()
        let started = Mutex<FakeManager?>(nil)
        let queue = FakeQueue()
        let time = VirtualTime()
        var options = BeanrowClient.Options.testing(time)
        options.clock.sleep = { duration in
            time.advance(by: duration)
            guard started.withLock({ $0 == nil }) else { return }
            let manager = try await FakeManager.start(at: address, queue.react)
            started.withLock { $0 = manager }
        }
        try await withClient([address], options) { client async throws in
            try await client.put(bytes("x"))
        }
        #expect(queue.bodies == ["x"])
        try await started.withLock { $0 }?.stop()
    }

    @Test func `a silent manager makes the outcome unknown`() async throws {
        let manager = try await FakeManager.start { _, _ in .silence }
        var options = BeanrowClient.Options.testing()
        options.requestTimeout = .seconds(1)
        try await withClient([manager.address], options) { client async throws in
            #expect(await errorCode { try await client.put(bytes("x")) } == .putOutcomeUnknown)
        }
        try await manager.stop()
    }

    @Test func `cancellation makes the outcome unknown`() async throws {
        let manager = try await FakeManager.start { _, _ in .silence }
        try await withClient([manager.address]) { client async throws in
            let put = Task { try await client.put(bytes("x")) }
            await manager.journal.wait { $0.contains { if case .command = $0 { true } else { false } } }
            put.cancel()
            #expect(await errorCode { try await put.value } == .putOutcomeUnknown)
        }
        try await manager.stop()
    }

    @Test func `nothing is sent if the task was cancelled before`() async throws {
        let manager = try await FakeManager.start(FakeQueue().react)
        try await withClient([manager.address]) { client async throws in
            let put = Task {
                withUnsafeCurrentTask { $0?.cancel() }
                return try await client.put(bytes("x"))
            }
            #expect(await errorCode { try await put.value } == .cancelled)
        }
        #expect(manager.commands.isEmpty)
        try await manager.stop()
    }

    @Test func `requests fail after close`() async throws {
        let manager = try await FakeManager.start(FakeQueue().react)
        let client = BeanrowClient(managers: [manager.address], options: .testing())
        try await client.put(bytes("x"))
        await client.close()
        await manager.journal.wait { $0.contains(.closed(0)) }
        #expect(await errorCode { try await client.put(bytes("y")) } == .closed)
        await client.close()
        try await manager.stop()
    }

    @Test func `requests fail without any manager`() async throws {
        try await withClient([]) { client async throws in
            #expect(await errorCode { try await client.put(bytes("x")) } == .noManagerReachable)
            #expect(await errorCode { try await client.reserve() } == .noManagerReachable)
            #expect(await errorCode { try await client.reserve(upTo: 3) } == .noManagerReachable)
        }
    }
}
