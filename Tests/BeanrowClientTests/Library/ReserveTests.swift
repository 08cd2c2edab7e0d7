import BeanrowClient
import BeanstalkWire
import Testing

@Suite struct ReserveTests {
    let tube = TubeName("mail")!

    /// Returns the numbers of the connections that commands of one kind came over.
    func connections(_ manager: FakeManager, _ isMeant: (Command) -> Bool) -> [Int] {
        manager.journal.events.compactMap {
            if case .command(let connection, let command) = $0, isMeant(command) { connection } else { nil }
        }
    }

    @Test func `a claim is finished over its own connection`() async throws {
        let queue = FakeQueue()
        for body in ["a", "b", "c"] { queue.put(body, in: tube, priority: 5) }
        let manager = try await FakeManager.start(queue.react)
        try await withClient([manager.address]) { client async throws in
            let claims = [
                try await client.reserve(from: [tube]), try await client.reserve(from: [tube]),
                try await client.reserve(from: [tube]),
            ]
            #expect(claims.map(\.body) == [bytes("a"), bytes("b"), bytes("c")])
            #expect(try await claims[1].statistics().number("reserves") == 1)
            try await claims[1].touch()
            try await claims[1].release(priority: 9, delay: 4)
            try await claims[2].bury(priority: 8)
            try await claims[0].delete()
        }
        // Each claim has its own connection.
        #expect(connections(manager) { if case .reserveWithTimeout = $0 { true } else { false } } == [0, 1, 2])
        #expect(connections(manager) { $0.verb == .delete } == [0])
        #expect(connections(manager) { $0.verb == .release } == [1])
        #expect(connections(manager) { $0.verb == .bury } == [2])
        #expect(queue.tasks.map(\.priority) == [9, 8])
        #expect(queue.tasks.map(\.isBuried) == [false, true])
        try await manager.stop()
    }

    @Test func `a connection is used again when its claims are finished`() async throws {
        let queue = FakeQueue()
        for body in ["a", "b", "c", "d"] { queue.put(body) }
        let manager = try await FakeManager.start(queue.react)
        try await withClient([manager.address]) { client async throws in
            let first = try await client.reserve(upTo: 2)
            #expect(first.count == 2)
            try await first[0].delete()
            let second = try await client.reserve()
            try await first[1].delete()
            let third = try await client.reserve()
            try await second.delete()
            try await third.delete()
        }
        #expect(connections(manager) { if case .reserveWithTimeout = $0 { true } else { false } } == [0, 0, 1, 0])
        #expect(queue.tasks.isEmpty)
        try await manager.stop()
    }

    @Test func `a reserve without a task returns nil`() async throws {
        let manager = try await FakeManager.start(FakeQueue().react)
        try await withClient([manager.address]) { client async throws in
            #expect(try await client.reserve(timeout: .zero) == nil)
            #expect(try await client.reserve(upTo: 5).isEmpty)
        }
        #expect(manager.commands == Array(repeating: .reserveWithTimeout(seconds: 0), count: 6))
        try await manager.stop()
    }

    @Test func `a long wait is split over the managers`() async throws {
        let time = VirtualTime()
        let script: FakeManager.Script = { _, command in
            if case .reserveWithTimeout(let seconds) = command { time.advance(by: .seconds(Int64(seconds))) }
            return .answer(.timedOut)
        }
        let managers = [try await FakeManager.start(script), try await FakeManager.start(script)]
        let options = BeanrowClient.Options.testing(time, selection: .roundRobin)
        try await withClient(managers.map(\.address), options) { client async throws in
            #expect(try await client.reserve(timeout: .seconds(70)) == nil)
        }
        #expect(managers[0].commands == [.reserveWithTimeout(seconds: 30), .reserveWithTimeout(seconds: 10)])
        #expect(managers[1].commands == [.reserveWithTimeout(seconds: 30)])
        for manager in managers { try await manager.stop() }
    }

    @Test func `each selected manager is asked for its share`() async throws {
        let queue = FakeQueue()
        for number in 1...9 { queue.put("\(number)") }
        var managers: [FakeManager] = []
        for index in 0..<3 { managers.append(try await FakeManager.start { queue.react(100 * index + $0, $1) }) }
        try await withClient(managers.map(\.address), .testing(selection: .roundRobin)) { client async throws in
            let claims = try await client.reserve(upTo: 8)
            #expect(claims.map(\.id.rawValue) == Array(1...8))
            #expect(managers.map(\.commands.count) == [3, 3, 2])
            let results = await client.delete(claims)
            #expect(results.allSatisfy { (try? $0.get()) != nil })
        }
        #expect(queue.bodies == ["9"])
        for manager in managers { try await manager.stop() }
    }

    @Test func `single tasks are also reserved from the managers in turn`() async throws {
        let managers = try await FakeManager.start(2, over: FakeQueue())
        @Sendable func reserves(_ manager: FakeManager) -> Int {
            manager.commands.count { $0.verb == .reserveWithTimeout }
        }
        try await withClient(managers.map(\.address), .testing(selection: .roundRobin)) { client async throws in
            for _ in 1...2 { _ = try await client.reserve(upTo: 1) }
            #expect(managers.map(reserves) == [1, 1])
            for _ in 1...2 { _ = try await client.reserve(timeout: .zero) }
            #expect(managers.map(reserves) == [2, 2])
        }
        for manager in managers { try await manager.stop() }
    }

    @Test func `a dead manager is left out`() async throws {
        let queue = FakeQueue()
        for number in 1...6 { queue.put("\(number)") }
        let dead = FakeManager.deadAddress()
        let manager = try await FakeManager.start(queue.react)
        try await withClient([dead, manager.address], .testing(selection: .roundRobin)) { client async throws in
            var claims: [Claim] = []
            while claims.count < 6 {
                claims += try await client.reserve(upTo: 2)
            }
            #expect(claims.map(\.id.rawValue).sorted() == Array(1...6))
        }
        try await manager.stop()
    }

    @Test func `a reserve moves to the next manager if the first one hangs up`() async throws {
        let queue = FakeQueue()
        queue.put("x")
        let dying = try await FakeManager.start { _, _ in .hangUp }
        let manager = try await FakeManager.start(queue.react)
        try await withClient([dying.address, manager.address]) { client async throws in
            #expect(try await client.reserve().body == bytes("x"))
        }
        try await dying.stop()
        try await manager.stop()
    }

    @Test func `the error names a manager that stopped after it had answered`() async throws {
        let time = VirtualTime()
        var options = BeanrowClient.Options.testing(time)
        let manager = try await FakeManager.start { _, _ in .answer(.outOfMemory) }
        options.clock.sleep = { duration in
            try? await manager.stop()
            time.advance(by: duration)
        }
        try await withClient([manager.address], options) { client async throws in
            #expect(await errorCode { try await client.reserve(timeout: .zero) } == .noManagerReachable)
        }
    }

    @Test func `a long wait does not count towards the failover timeout`() async throws {
        let time = VirtualTime()
        let queue = FakeQueue()
        queue.put("x")
        let manager = try await FakeManager.start { connection, command in
            guard connection == 0 else { return queue.react(connection, command) }
            time.advance(by: .seconds(3600))
            return .hangUp
        }
        try await withClient([manager.address], .testing(time)) { client async throws in
            #expect(try await client.reserve().body == bytes("x"))
        }
        try await manager.stop()
    }
}
