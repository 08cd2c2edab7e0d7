import BeanrowClient
import BeanstalkWire
import Testing

extension ReserveTests {
    @Test func `a cancelled reserve closes its connection`() async throws {
        let manager = try await FakeManager.start { _, _ in .silence }
        try await withClient([manager.address]) { client async throws in
            let reserve = Task { try await client.reserve() }
            await manager.journal.wait { $0.contains { if case .command = $0 { true } else { false } } }
            reserve.cancel()
            #expect(await errorCode { try await reserve.value } == .cancelled)
            await manager.journal.wait { $0.contains(.closed(0)) }
        }
        try await manager.stop()
    }

    @Test func `a cancelled reserve of many tasks loses none`() async throws {
        let queue = FakeQueue()
        for number in 1...2 { queue.put("\(number)") }
        let manager = try await FakeManager.start { connection, command in
            let reaction = queue.react(connection, command)
            if case .answer(.timedOut) = reaction { return .silence }
            return reaction
        }
        try await withClient([manager.address]) { client async throws in
            let reserve = Task { try await client.reserve(upTo: 3) }
            await manager.journal.wait { events in
                events.count(where: { if case .command = $0 { true } else { false } }) == 3
            }
            reserve.cancel()
            #expect(await errorCode { try await reserve.value } == .cancelled)
            // The manager releases the claims when it sees this.
            await manager.journal.wait { $0.contains(.closed(0)) }
        }
        try await manager.stop()
    }

    @Test func `without sessions a claim is lost with its connection`() async throws {
        let queue = FakeQueue()
        queue.put("x")
        let manager = try await FakeManager.start(queue.react)
        try await withClient([manager.address]) { client async throws in
            let claim = try await client.reserve()
            try await manager.hangUp(0)
            #expect(await errorCode { try await claim.touch() } == .claimLost)
            #expect(await errorCode { try await claim.delete() } == .claimLost)
        }
        #expect(connections(manager) { $0.verb == .delete }.isEmpty)
        try await manager.stop()
    }

    @Test func `a delete without an answer may have happened`() async throws {
        let queue = FakeQueue()
        queue.put("x")
        let manager = try await FakeManager.start { connection, command in
            if command.verb == .delete { .hangUp } else { queue.react(connection, command) }
        }
        try await withClient([manager.address]) { client async throws in
            let claim = try await client.reserve()
            #expect(await errorCode { try await claim.delete() } == .connectionLost)
        }
        try await manager.stop()
    }

    @Test func `a claim is lost when its time to run is over`() async throws {
        let queue = FakeQueue()
        queue.put("x")
        let manager = try await FakeManager.start(queue.react)
        try await withClient([manager.address]) { client async throws in
            let claim = try await client.reserve()
            queue.releaseClaims(0)
            #expect(await errorCode { try await claim.touch() } == .claimLost)
            #expect(await errorCode { try await claim.release(priority: 1) } == .claimLost)
            // Another reserve can use the connection now.
            #expect(try await client.reserve().id == claim.id)
        }
        #expect(connections(manager) { if case .reserveWithTimeout = $0 { true } else { false } } == [0, 0])
        try await manager.stop()
    }

    @Test func `a claim can be finished only once`() async throws {
        let queue = FakeQueue()
        queue.put("x")
        let manager = try await FakeManager.start(queue.react)
        try await withClient([manager.address]) { client async throws in
            let claim = try await client.reserve()
            try await claim.delete()
            #expect(await errorCode { try await claim.delete() } == .claimLost)
            let results = await client.delete([claim])
            #expect(results.allSatisfy { (try? $0.get()) == nil })
        }
        #expect(connections(manager) { $0.verb == .delete }.count == 1)
        try await manager.stop()
    }

    @Test func `a dropped claim is released`() async throws {
        let queue = FakeQueue()
        queue.put("x")
        let manager = try await FakeManager.start(queue.react)
        try await withClient([manager.address]) { client async throws in
            _ = try await client.reserve()
            await manager.journal.wait { $0.contains(.closed(0)) }
        }
        try await manager.stop()
    }

    @Test func `a reserve needs at least one tube`() async throws {
        let manager = try await FakeManager.start(FakeQueue().react)
        try await withClient([manager.address]) { client async throws in
            #expect(await errorCode { try await client.reserve(from: []) } == .badFormat)
            #expect(await errorCode { try await client.reserve(upTo: 1, from: []) } == .badFormat)
        }
        #expect(manager.commands.isEmpty)
        try await manager.stop()
    }
}
