import BeanrowClient
import BeanstalkWire
import Testing

@Suite struct ReserveTests {
    private let tube = TubeName("mail")!

    /// The numbers of the connections over which commands of a kind came.
    private func connections(_ manager: FakeManager, _ isMeant: (Command) -> Bool) -> [Int] {
        manager.journal.events.compactMap {
            if case .command(let connection, let command) = $0, isMeant(command) { connection } else { nil }
        }
    }

    @Test func finishesAClaimOverItsOwnConnection() async throws {
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
        // Each waited and was held on a connection of its own.
        #expect(connections(manager) { if case .reserveWithTimeout = $0 { true } else { false } } == [0, 1, 2])
        #expect(connections(manager) { $0.verb == .delete } == [0])
        #expect(connections(manager) { $0.verb == .release } == [1])
        #expect(connections(manager) { $0.verb == .bury } == [2])
        #expect(queue.tasks.map(\.priority) == [9, 8])
        #expect(queue.tasks.map(\.isBuried) == [false, true])
        try await manager.stop()
    }

    @Test func usesAConnectionAgainWhenItsClaimsAreFinished() async throws {
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

    @Test func saysWhenThereIsNothing() async throws {
        let manager = try await FakeManager.start(FakeQueue().react)
        try await withClient([manager.address]) { client async throws in
            #expect(try await client.reserve(timeout: .zero) == nil)
            #expect(try await client.reserve(upTo: 5).isEmpty)
        }
        #expect(manager.commands == Array(repeating: .reserveWithTimeout(seconds: 0), count: 6))
        try await manager.stop()
    }

    @Test func waitsInSlicesAndAsksTheNextManagerEachTime() async throws {
        let time = VirtualTime()
        let script: FakeManager.Script = { _, command in
            if case .reserveWithTimeout(let seconds) = command { time.advance(by: .seconds(Int64(seconds))) }
            return .answer(.timedOut)
        }
        let managers = [try await FakeManager.start(script), try await FakeManager.start(script)]
        let options = BeanrowClient.Options.testing(time, pick: .roundRobin)
        try await withClient(managers.map(\.address), options) { client async throws in
            #expect(try await client.reserve(timeout: .seconds(70)) == nil)
        }
        #expect(managers[0].commands == [.reserveWithTimeout(seconds: 30), .reserveWithTimeout(seconds: 10)])
        #expect(managers[1].commands == [.reserveWithTimeout(seconds: 30)])
        for manager in managers { try await manager.stop() }
    }

    @Test func asksEachPickedManagerForItsShare() async throws {
        let queue = FakeQueue()
        for number in 1...9 { queue.put("\(number)") }
        var managers: [FakeManager] = []
        for index in 0..<3 { managers.append(try await FakeManager.start { queue.react(100 * index + $0, $1) }) }
        try await withClient(managers.map(\.address), .testing(pick: .roundRobin)) { client async throws in
            let claims = try await client.reserve(upTo: 8)
            #expect(claims.map(\.id.rawValue) == Array(1...8))
            #expect(managers.map(\.commands.count) == [3, 3, 2])
            let results = await client.delete(claims)
            #expect(results.allSatisfy { (try? $0.get()) != nil })
        }
        #expect(queue.bodies == ["9"])
        for manager in managers { try await manager.stop() }
    }

    @Test func asksTheManagersInTurnAlsoForSingleTasks() async throws {
        let managers = try await FakeManager.start(2, over: FakeQueue())
        @Sendable func reserves(_ manager: FakeManager) -> Int {
            manager.commands.count { $0.verb == .reserveWithTimeout }
        }
        try await withClient(managers.map(\.address), .testing(pick: .roundRobin)) { client async throws in
            for _ in 1...2 { _ = try await client.reserve(upTo: 1) }
            #expect(managers.map(reserves) == [1, 1])
            for _ in 1...2 { _ = try await client.reserve(timeout: .zero) }
            #expect(managers.map(reserves) == [2, 2])
        }
        for manager in managers { try await manager.stop() }
    }

    @Test func passesOverADeadManager() async throws {
        let queue = FakeQueue()
        for number in 1...6 { queue.put("\(number)") }
        let dead = FakeManager.deadAddress()
        let manager = try await FakeManager.start(queue.react)
        try await withClient([dead, manager.address], .testing(pick: .roundRobin)) { client async throws in
            var claims: [Claim] = []
            while claims.count < 6 {
                claims += try await client.reserve(upTo: 2)
            }
            #expect(claims.map(\.id.rawValue).sorted() == Array(1...6))
        }
        try await manager.stop()
    }

    @Test func asksAnotherWhenAManagerDiesWhileItWaits() async throws {
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

    @Test func namesTheManagersAlsoWhereOneDiedAtWork() async throws {
        let time = VirtualTime()
        var options = BeanrowClient.Options.testing(time)
        let manager = try await FakeManager.start { _, _ in .answer(.outOfMemory) }
        options.timekeeper.sleep = { duration in
            try? await manager.stop()
            time.advance(by: duration)
        }
        try await withClient([manager.address], options) { client async throws in
            #expect(await errorCode { try await client.reserve(timeout: .zero) } == .noManagerReachable)
        }
    }

    @Test func aLongWaitDoesNotUseUpThePatience() async throws {
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

    @Test func aCancelledReserveClosesItsConnection() async throws {
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

    @Test func aCancelledReserveOfManyLosesNone() async throws {
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
            // The manager gives back what was claimed when it sees this.
            await manager.journal.wait { $0.contains(.closed(0)) }
        }
        try await manager.stop()
    }

    @Test func aClaimIsLostWithItsConnection() async throws {
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

    @Test func aDeleteWithoutAnswerMayHaveHappened() async throws {
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

    @Test func aClaimWhoseTimeIsOverIsLost() async throws {
        let queue = FakeQueue()
        queue.put("x")
        let manager = try await FakeManager.start(queue.react)
        try await withClient([manager.address]) { client async throws in
            let claim = try await client.reserve()
            queue.giveBack(0)
            #expect(await errorCode { try await claim.touch() } == .claimLost)
            #expect(await errorCode { try await claim.release(priority: 1) } == .claimLost)
            // The connection is free for others now.
            #expect(try await client.reserve().id == claim.id)
        }
        #expect(connections(manager) { if case .reserveWithTimeout = $0 { true } else { false } } == [0, 0])
        try await manager.stop()
    }

    @Test func aClaimIsFinishedOnlyOnce() async throws {
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

    @Test func aClaimThatIsDroppedGoesBack() async throws {
        let queue = FakeQueue()
        queue.put("x")
        let manager = try await FakeManager.start(queue.react)
        try await withClient([manager.address]) { client async throws in
            _ = try await client.reserve()
            await manager.journal.wait { $0.contains(.closed(0)) }
        }
        try await manager.stop()
    }

    @Test func refusesToReserveFromNowhere() async throws {
        let manager = try await FakeManager.start(FakeQueue().react)
        try await withClient([manager.address]) { client async throws in
            #expect(await errorCode { try await client.reserve(from: []) } == .badFormat)
            #expect(await errorCode { try await client.reserve(upTo: 1, from: []) } == .badFormat)
        }
        #expect(manager.commands.isEmpty)
        try await manager.stop()
    }
}
