import BeanrowClient
import BeanstalkWire
import Testing

@Suite struct InspectTests {
    private let tube = TubeName("mail")!
    private let id = TaskID(rawValue: 5)

    @Test func `each command is sent and its answer understood`() async throws {
        let tube = tube
        let id = id
        let manager = try await FakeManager.start { _, command in
            switch command.verb {
            case .use: .answer(.using(tube))
            case .peek, .peekReady, .peekDelayed, .peekBuried: .answer(.found(id, body: [1, 2]))
            case .delete: .answer(.deleted)
            case .kick: .answer(.kicked(3))
            case .kickJob: .answer(.kickedTask)
            case .pauseTube: .answer(.paused)
            case .stats, .statsJob, .statsTube: .answer(.ok(bytes("---\nname: x\n")))
            case .listTubes: .answer(.ok(bytes("---\n- default\n- mail\n")))
            default: .hangUp
            }
        }
        let task = PeekedTask(id: id, body: [1, 2])
        try await withClient([manager.address]) { client async throws in
            #expect(try await client.peek(id) == task)
            #expect(try await client.peekReady(tube) == task)
            #expect(try await client.peekDelayed(tube) == task)
            #expect(try await client.peekBuried(tube) == task)
            #expect(try await client.delete(id))
            #expect(try await client.kick(tube, bound: 9) == 3)
            #expect(try await client.kick(id))
            #expect(try await client.pause(tube, seconds: 7))
            #expect(try await client.statistics()["name"] == "x")
            #expect(try await client.statistics(of: id)?["name"] == "x")
            #expect(try await client.statistics(of: tube)?["name"] == "x")
            #expect(try await client.tubes() == [.default, tube])
        }
        let expected: [Command] = [
            .peek(id), .use(tube), .peekNext(.pending), .peekNext(.delayed), .peekNext(.buried), .delete(id),
            .kick(bound: 9), .kickJob(id), .pauseTube(tube, seconds: 7), .stats, .statsJob(id), .statsTube(tube),
            .listTubes,
        ]
        #expect(manager.commands == expected)
        try await manager.stop()
    }

    @Test func `a missing task or tube is nil or false`() async throws {
        let manager = try await FakeManager.start { _, command in
            if case .use(let tube) = command { .answer(.using(tube)) } else { .answer(.notFound) }
        }
        try await withClient([manager.address]) { client async throws in
            #expect(try await client.peek(id) == nil)
            #expect(try await client.peekBuried(tube) == nil)
            #expect(try await client.delete(id) == false)
            #expect(try await client.kick(id) == false)
            #expect(try await client.pause(tube, seconds: 7) == false)
            #expect(try await client.statistics(of: id) == nil)
            #expect(try await client.statistics(of: tube) == nil)
            #expect(try await client.reserve(id) == nil)
        }
        try await manager.stop()
    }

    @Test func `a read is repeated at another manager`() async throws {
        let dying = try await FakeManager.start { _, _ in .hangUp }
        let manager = try await FakeManager.start { _, _ in .answer(.ok(bytes("---\nname: x\n"))) }
        try await withClient([dying.address, manager.address]) { client async throws in
            #expect(try await client.statistics()["name"] == "x")
        }
        try await dying.stop()
        try await manager.stop()
    }

    @Test func `a tube is cleared`() async throws {
        let (full, none) = (try #require(TubeName("full")), try #require(TubeName("none")))
        let manager = try await FakeManager.start(isBeanstalkd: false) { _, command in
            .answer(command == .clearTube(full, .buried) ? .cleared(17) : .notFound)
        }
        try await withClient([manager.address]) { client async throws in
            #expect(try await client.clearTube(full, .buried) == 17)
            #expect(try await client.clearTube(none, .delayed) == nil)
            #expect(await errorCode { try await client.clearTube(full, .claimed) } == .badFormat)
        }
        #expect(manager.commands == [.clearTube(full, .buried), .clearTube(none, .delayed)])
        try await manager.stop()
    }

    @Test func `a command that may have happened is not repeated`() async throws {
        let dying = try await FakeManager.start { _, _ in .hangUp }
        let manager = try await FakeManager.start { _, _ in .answer(.deleted) }
        try await withClient([dying.address, manager.address]) { client async throws in
            let error = await #expect(throws: ClientError.self) { try await client.delete(id) }
            #expect(error?.code == .connectionLost)
            #expect(error?.mayHaveHappened == true)
        }
        #expect(manager.commands.isEmpty)
        try await dying.stop()
        try await manager.stop()
    }

    @Test func `a connection with an unexpected answer is closed`() async throws {
        let confused = try await FakeManager.start { _, _ in .answer(.deleted) }
        try await withClient([confused.address]) { client async throws in
            #expect(await errorCode { try await client.kick(id) } == .protocolViolation)
        }
        await confused.journal.wait { $0.contains(.closed(0)) }
        try await confused.stop()
    }
}
