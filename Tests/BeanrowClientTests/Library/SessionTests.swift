import BeanstalkWire
import Synchronization
import Testing

@testable import BeanrowClient

@Suite struct SessionTests {
    private func names(_ manager: FakeManager) -> [SessionName] {
        manager.commands.compactMap { if case .session(let name) = $0 { name } else { nil } }
    }

    /// Waits until the client knows that a claim's connection is lost.
    private func noticesTheLoss(_ claim: Claim) async {
        while claim.lease.session.lastConnection.isOpen { await Task.yield() }
    }

    /// True the first time.
    private final class Once: Sendable {
        private let isNew = Mutex(true)

        func take() -> Bool {
            isNew.withLock { isNew in
                defer { isNew = false }
                return isNew
            }
        }
    }

    private func queue(_ bodies: String...) -> FakeQueue {
        let queue = FakeQueue()
        for body in bodies { queue.put(body) }
        return queue
    }

    @Test func everyClaimingConnectionTakesUpASessionOfItsOwn() async throws {
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

    @Test(arguments: [false, true]) func aClaimOutlivesItsConnection(diesBeforeItIsTouched: Bool) async throws {
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

    @Test func aConnectionThatBreaksIsMadeAgainAtTheSameManager() async throws {
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

    @Test func callsThatComeTogetherTakeTheSessionUpOnce() async throws {
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

    @Test(arguments: Finish.allCases) func anAnswerThatWasLostIsAskedForAgain(_ finish: Finish) async throws {
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

    @Test(arguments: Finish.allCases) func whatWasLostOnItsWayIsSentAgain(_ finish: Finish) async throws {
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

    @Test func aDeleteThatCameTooLateIsToldApart() async throws {
        let queue = queue("x")
        let first = Once()
        let manager = try await FakeManager.start(over: queue) { connection, command in
            guard command.verb == .delete, first.take() else { return nil }
            queue.giveBack(connection)
            return .hangUp
        }
        try await withClient([manager.address]) { client async throws in
            let claim = try await client.reserve()
            #expect(await errorCode { try await claim.delete() } == .claimLost)
        }
        #expect(queue.bodies == ["x"])
        try await manager.stop()
    }

    @Test func aClaimWhoseTimeIsOverIsLost() async throws {
        let queue = queue("x")
        let manager = try await FakeManager.start(over: queue)
        try await withClient([manager.address]) { client async throws in
            let claim = try await client.reserve()
            try await manager.hangUp(0)
            await manager.journal.wait { $0.contains(.closed(0)) }
            try await claim.touch()
            queue.giveBack(1)
            #expect(await errorCode { try await claim.touch() } == .claimLost)
            #expect(await errorCode { try await claim.delete() } == .claimLost)
        }
        #expect(queue.bodies == ["x"])
        try await manager.stop()
    }

    @Test func `a session that cannot be taken up at the moment is not lost`() async throws {
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
            // The second if the touch was sent before it was known that the connection is lost.
            #expect(code == .internalError || code == .connectionLost)
            refuses.withLock { $0 = false }
            try await claim.touch()
            try await claim.delete()
        }
        #expect(queue.bodies.isEmpty)
        try await manager.stop()
    }

    @Test func aSessionThatSomebodyElseTookUpIsLost() async throws {
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

    @Test func aReserveGoesOnWithANewSessionWhereItsOldOneWasTaken() async throws {
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

    @Test func manyDeletesGoOnWhereTheConnectionBroke() async throws {
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

    @Test func whatWasClaimedAndNotToldGoesBackAtOnce() async throws {
        let queue = queue("x")
        let first = Once()
        let manager = try await FakeManager.start(over: queue) { connection, command in
            guard case .reserveWithTimeout = command, first.take() else { return nil }
            _ = queue.react(connection, command)
            return .hangUp
        }
        try await withClient([manager.address]) { client async throws in
            let reserve = Task { try await client.reserve() }
            // The session that has the task is taken up again, and takes leave.
            await manager.journal.wait { $0.contains(.quit(1)) }
            let claim = try await reserve.value
            #expect(claim.body == bytes("x"))
            try await claim.delete()
        }
        #expect(queue.tasks.isEmpty)
        try await manager.stop()
    }

    @Test func whatWasToldBeforeTheConnectionBrokeIsKept() async throws {
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

    @Test func aCancelledReserveTakesLeave() async throws {
        let queue = queue("x")
        let manager = try await FakeManager.start(over: queue) { connection, command in
            guard case .reserveWithTimeout = command else { return nil }
            // Claimed, and the answer is on its way for ever.
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

    @Test func aClaimThatIsDroppedGoesBackAlsoWhereItsConnectionWasLost() async throws {
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

    @Test func closingGivesAllBackAtOnce() async throws {
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

    @Test func itIsToldApartWhatWasSentWhereNoManagerIsLeft() async throws {
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
            // The claims are still there for who finds a manager.
            let second = try await FakeManager.start(over: queue, first: 100, at: first.address)
            for claim in claims { try await claim.delete() }
            try await second.stop()
        }
        #expect(queue.tasks.isEmpty)
    }

    @Test func aServerWithoutSessionsIsAskedOnceAConnection() async throws {
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

    @Test(arguments: [Reply.internalError, .outOfMemory]) func tasksCanBeTakenWhereNothingCanBeWrittenDown(
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

    @Test func noSessionIsTakenUpWhereNoneIsWanted() async throws {
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
