import BeanstalkWire
import Synchronization
import Testing

@testable import BeanrowClient

extension SessionTests {
    @Test func `many deletes continue after a broken connection`() async throws {
        let queue = FakeQueue()
        for number in 1...9 { queue.put("\(number)") }
        let deletes = Mutex(0)
        let manager = try await FakeManager.start(over: queue) { connection, command in
            guard command.verb == .delete else { return nil }
            let count = deletes.withLock { count in
                count += 1
                return count
            }
            guard count == 5 else { return nil }
            _ = queue.react(connection, command)
            return .hangUp
        }
        try await withClient([manager.address]) { client async throws in
            let results = await client.delete(try await client.reserve(upTo: 9))
            #expect(results.allSatisfy { (try? $0.get()) != nil })
        }
        #expect(queue.tasks.isEmpty)
        try await manager.stop()
    }

    @Test func `a claim whose answer was lost is released at once`() async throws {
        let queue = queue("x")
        let first = Once()
        let manager = try await FakeManager.start(over: queue) { connection, command in
            guard case .reserveWithTimeout = command, first.take() else { return nil }
            _ = queue.react(connection, command)
            return .hangUp
        }
        try await withClient([manager.address]) { client async throws in
            let reserve = Task { try await client.reserve() }
            // The client attaches the session that has the task, and sends quit.
            await manager.journal.wait { $0.contains(.quit(1)) }
            let claim = try await reserve.value
            #expect(claim.body == bytes("x"))
            try await claim.delete()
        }
        #expect(queue.tasks.isEmpty)
        try await manager.stop()
    }

    @Test func `claims that were answered before the connection broke are kept`() async throws {
        let queue = queue("a", "b")
        let manager = try await FakeManager.start(over: queue) { connection, command in
            guard case .reserveWithTimeout = command, connection == 0 else { return nil }
            let reaction = queue.react(connection, command)
            if case .answer(.timedOut) = reaction { return .hangUp }
            return reaction
        }
        try await withClient([manager.address]) { client async throws in
            let claims = try await client.reserve(upTo: 3)
            #expect(claims.map(\.body) == [bytes("a"), bytes("b")])
            for claim in claims { try await claim.delete() }
        }
        #expect(queue.tasks.isEmpty)
        try await manager.stop()
    }

    @Test func `a cancelled reserve sends quit, which releases its task`() async throws {
        let queue = queue("x")
        let manager = try await FakeManager.start(over: queue) { connection, command in
            guard case .reserveWithTimeout = command else { return nil }
            // The task is claimed, and the answer never arrives.
            _ = queue.react(connection, command)
            return .silence
        }
        try await withClient([manager.address]) { client async throws in
            let reserve = Task { try await client.reserve() }
            await manager.journal.wait {
                $0.contains { if case .command(_, .reserveWithTimeout) = $0 { true } else { false } }
            }
            reserve.cancel()
            #expect(await errorCode { try await reserve.value } == .cancelled)
            await manager.journal.wait { $0.contains(.quit(0)) }
            #expect(queue.tasks.map(\.holder) == [nil])
        }
        try await manager.stop()
    }

    @Test func `a dropped claim is released even if its connection was lost`() async throws {
        let queue = queue("a", "b")
        let manager = try await FakeManager.start(over: queue)
        try await withClient([manager.address]) { client async throws in
            _ = try await client.reserve()
            await manager.journal.wait { $0.contains(.quit(0)) }
            #expect(queue.tasks.map(\.holder) == [nil, nil])
            do {
                let claim = try await client.reserve()
                try await manager.hangUp(1)
                await noticesTheLoss(claim)
                #expect(queue.tasks.count { $0.holder != nil } == 1)
                _ = consume claim
            }
            await manager.journal.wait { $0.contains(.quit(2)) }
            #expect(queue.tasks.map(\.holder) == [nil, nil])
        }
        try await manager.stop()
    }

    @Test func `closing the client releases all claims at once`() async throws {
        let queue = queue("a", "b", "c")
        let managers = try await FakeManager.start(2, over: queue)
        let client = BeanrowClient(managers: managers.map(\.address), options: .testing())
        let claims = try await client.reserve(upTo: 2)
        let other = try await client.reserve()
        try await managers[0].hangUp(1)
        await noticesTheLoss(other)
        #expect(queue.tasks.allSatisfy { $0.holder != nil })
        await client.close()
        #expect(queue.tasks.allSatisfy { $0.holder == nil })
        for claim in claims + [other] {
            #expect(await errorCode { try await claim.delete() } == .claimLost)
        }
        for manager in managers { try await manager.stop() }
    }

    @Test func `without a manager the error says whether the command was sent`() async throws {
        let queue = queue("a", "b")
        let first = try await FakeManager.start(over: queue) { _, command in
            if command == .delete(TaskID(rawValue: 1)) { .hangUp } else { nil }
        }
        try await withClient([first.address]) { client async throws in
            let claims = [try await client.reserve(), try await client.reserve()]
            try await first.close()
            #expect(await errorCode { try await claims[0].delete() } == .connectionLost)
            try await first.hangUp(1)
            await noticesTheLoss(claims[1])
            #expect(await errorCode { try await claims[1].touch() } == .noManagerReachable)
            // The claims still exist, and can be finished when there is a manager.
            let second = try await FakeManager.start(over: queue, first: 100, at: first.address)
            for claim in claims { try await claim.delete() }
            try await second.stop()
        }
        #expect(queue.tasks.isEmpty)
    }

    @Test func `a server without sessions is asked once per connection`() async throws {
        let queue = queue("a", "b", "c")
        let manager = try await FakeManager.start(queue.react)
        try await withClient([manager.address]) { client async throws in
            try await client.reserve().delete()
            let claims = [try await client.reserve(), try await client.reserve()]
            for claim in claims { try await claim.delete() }
        }
        let asked = manager.journal.events.filter { if case .unknown = $0 { true } else { false } }
        #expect(asked == [.unknown(0, .session), .unknown(1, .session)])
        #expect(queue.tasks.isEmpty)
        try await manager.stop()
    }

    @Test(arguments: [Reply.internalError, .outOfMemory]) func `tasks can be claimed while no session can be attached`(
        _ refusal: Reply
    ) async throws {
        let queue = queue("x")
        let manager = try await FakeManager.start(over: queue) { _, command in
            if case .session = command { .answer(refusal) } else { nil }
        }
        try await withClient([manager.address]) { client async throws in
            try await client.reserve().delete()
        }
        #expect(queue.tasks.isEmpty)
        try await manager.stop()
    }

    @Test func `no session is attached if the option is off`() async throws {
        let queue = queue("x")
        let manager = try await FakeManager.start(over: queue)
        var options = BeanrowClient.Options.testing()
        options.claimsOutliveConnections = false
        try await withClient([manager.address], options) { client async throws in
            let claim = try await client.reserve()
            try await manager.hangUp(0)
            await manager.journal.wait { $0.contains(.closed(0)) }
            #expect(await errorCode { try await claim.touch() } == .claimLost)
            #expect(await errorCode { try await claim.delete() } == .claimLost)
        }
        #expect(names(manager).isEmpty)
        #expect(queue.tasks.map(\.holder) == [nil])
        try await manager.stop()
    }
}
