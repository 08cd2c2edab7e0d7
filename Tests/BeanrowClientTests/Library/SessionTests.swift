import BeanstalkWire
import Synchronization
import Testing

@testable import BeanrowClient

@Suite struct SessionTests {
    func names(_ manager: FakeManager) -> [SessionName] {
        manager.commands.compactMap { if case .session(let name) = $0 { name } else { nil } }
    }

    /// Waits until the client knows that a claim's connection is lost.
    func noticesTheLoss(_ claim: Claim) async {
        while claim.group.session.lastConnection.isOpen { await Task.yield() }
    }

    /// Returns `true` the first time.
    final class Once: Sendable {
        let isNew = Mutex(true)

        func take() -> Bool {
            isNew.withLock { isNew in
                defer { isNew = false }
                return isNew
            }
        }
    }

    func queue(_ bodies: String...) -> FakeQueue {
        let queue = FakeQueue()
        for body in bodies { queue.put(body) }
        return queue
    }

    @Test func `every connection with claims attaches its own session`() async throws {
        let queue = queue("a", "b")
        let manager = try await FakeManager.start(over: queue)
        try await withClient([manager.address]) { client async throws in
            let claims = [try await client.reserve(), try await client.reserve()]
            for claim in claims { try await claim.delete() }
            #expect(try await client.reserve(timeout: .zero) == nil)
        }
        let names = names(manager)
        #expect(Set(names).count == 2)
        #expect(names.allSatisfy { $0.text.utf8.count == 22 })
        #expect(manager.journal.events.contains(.command(0, .session(names[0]))))
        try await manager.stop()
    }

    @Test(arguments: [false, true]) func `a claim outlives its connection`(diesBeforeItIsTouched: Bool) async throws {
        let queue = queue("x")
        let managers = try await FakeManager.start(2, over: queue)
        try await withClient(managers.map(\.address)) { client async throws in
            let claim = try await client.reserve()
            #expect(claim.manager == managers[0].address)
            if !diesBeforeItIsTouched { try await claim.touch() }
            try await managers[0].stop()
            try await claim.touch()
            #expect(claim.manager == managers[1].address)
            #expect(try await claim.statistics().number("reserves") == 1)
            try await claim.delete()
        }
        #expect(names(managers[0]) == names(managers[1]))
        #expect(queue.tasks.isEmpty)
        try await managers[1].stop()
    }

    @Test func `a broken connection is made again at the same manager`() async throws {
        let queue = queue("x")
        let manager = try await FakeManager.start(over: queue)
        try await withClient([manager.address]) { client async throws in
            let claim = try await client.reserve()
            for connection in 0..<3 {
                try await manager.hangUp(connection)
                await manager.journal.wait { $0.contains(.closed(connection)) }
                try await claim.touch()
            }
            try await claim.delete()
        }
        #expect(Set(names(manager)).count == 1)
        try await manager.stop()
    }

    @Test func `concurrent calls attach the session once`() async throws {
        let queue = queue("a", "b", "c", "d")
        let managers = try await FakeManager.start(2, over: queue)
        try await withClient(managers.map(\.address)) { client async throws in
            let claims = try await client.reserve(upTo: 4)
            try await managers[0].stop()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for claim in claims { group.addTask { try await claim.delete() } }
                try await group.waitForAll()
            }
        }
        #expect(names(managers[1]).count == 1)
        #expect(queue.tasks.isEmpty)
        try await managers[1].stop()
    }

    enum Finish: CaseIterable {
        case delete
        case release
        case bury

        func isMeant(_ command: Command) -> Bool {
            switch (self, command.verb) {
            case (.delete, .delete), (.release, .release), (.bury, .bury): true
            default: false
            }
        }

        func apply(to claim: Claim) async throws {
            switch self {
            case .delete: try await claim.delete()
            case .release: try await claim.release(priority: 7, delay: 3)
            case .bury: try await claim.bury(priority: 7)
            }
        }
    }

    @Test(arguments: Finish.allCases) func `a command whose answer was lost is repeated`(_ finish: Finish) async throws
    {
        let queue = queue("x")
        let first = Once()
        let manager = try await FakeManager.start(over: queue) { connection, command in
            guard finish.isMeant(command), first.take() else { return nil }
            _ = queue.react(connection, command)
            return .hangUp
        }
        try await withClient([manager.address]) { client async throws in
            try await finish.apply(to: try await client.reserve())
        }
        #expect(manager.commands.count(where: finish.isMeant) == 2)
        switch finish {
        case .delete: #expect(queue.tasks.isEmpty)
        case .release: #expect(queue.tasks.map(\.delay) == [3])
        case .bury: #expect(queue.tasks.map(\.isBuried) == [true])
        }
        try await manager.stop()
    }

    @Test(arguments: Finish.allCases) func `a command that did not arrive is sent again`(_ finish: Finish) async throws
    {
        let queue = queue("x")
        let first = Once()
        let manager = try await FakeManager.start(over: queue) { _, command in
            finish.isMeant(command) && first.take() ? .hangUp : nil
        }
        try await withClient([manager.address]) { client async throws in
            try await finish.apply(to: try await client.reserve())
        }
        #expect(queue.tasks.map(\.priority) == (finish == .delete ? [] : [7]))
        try await manager.stop()
    }

    @Test func `a delete after the end of the claim is reported as lost`() async throws {
        let queue = queue("x")
        let first = Once()
        let manager = try await FakeManager.start(over: queue) { connection, command in
            guard command.verb == .delete, first.take() else { return nil }
            queue.releaseClaims(connection)
            return .hangUp
        }
        try await withClient([manager.address]) { client async throws in
            let claim = try await client.reserve()
            #expect(await errorCode { try await claim.delete() } == .claimLost)
        }
        #expect(queue.bodies == ["x"])
        try await manager.stop()
    }

    @Test func `a claim is lost when its time to run is over`() async throws {
        let queue = queue("x")
        let manager = try await FakeManager.start(over: queue)
        try await withClient([manager.address]) { client async throws in
            let claim = try await client.reserve()
            try await manager.hangUp(0)
            await manager.journal.wait { $0.contains(.closed(0)) }
            try await claim.touch()
            queue.releaseClaims(1)
            #expect(await errorCode { try await claim.touch() } == .claimLost)
            #expect(await errorCode { try await claim.delete() } == .claimLost)
        }
        #expect(queue.bodies == ["x"])
        try await manager.stop()
    }

    @Test func `a session that cannot be attached now is not lost`() async throws {
        let queue = queue("x")
        let refuses = Mutex(true)
        let manager = try await FakeManager.start(over: queue) { connection, command in
            guard case .session = command, connection > 0, refuses.withLock({ $0 }) else { return nil }
            return .answer(.internalError)
        }
        try await withClient([manager.address]) { client async throws in
            let claim = try await client.reserve()
            try await manager.hangUp(0)
            await manager.journal.wait { $0.contains(.closed(0)) }
            let code = await errorCode { try await claim.touch() }
            // It is connectionLost if the touch was sent before the client knew that the connection is lost.
            #expect(code == .internalError || code == .connectionLost)
            refuses.withLock { $0 = false }
            try await claim.touch()
            try await claim.delete()
        }
        #expect(queue.bodies.isEmpty)
        try await manager.stop()
    }

    @Test func `a session that another connection attached is lost`() async throws {
        let queue = queue("x")
        let manager = try await FakeManager.start(over: queue)
        try await withClient([manager.address]) { client async throws in
            let claim = try await client.reserve()
            _ = queue.react(77, .session(names(manager)[0]))
            #expect(await errorCode { try await claim.touch() } == .claimLost)
            #expect(await errorCode { try await claim.delete() } == .claimLost)
            await manager.journal.wait { $0.contains(.closed(0)) }
        }
        #expect(names(manager).count == 1)
        #expect(queue.react(77, .delete(TaskID(rawValue: 1))) == .answer(.deleted))
        try await manager.stop()
    }

    @Test func `a reserve uses a new session if the old one was attached elsewhere`() async throws {
        let queue = queue("a")
        let manager = try await FakeManager.start(over: queue)
        try await withClient([manager.address]) { client async throws in
            try await client.reserve().delete()
            _ = queue.react(77, .session(names(manager)[0]))
            queue.put("b")
            #expect(try await client.reserve().body == bytes("b"))
        }
        #expect(Set(names(manager)).count == 2)
        try await manager.stop()
    }
}
