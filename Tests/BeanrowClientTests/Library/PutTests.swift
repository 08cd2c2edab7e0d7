import BeanrowClient
import BeanstalkWire
import Synchronization
import Testing

@Suite struct PutTests {
    private let tube = TubeName("mail")!

    private func tasks(_ count: Int) -> [NewTask] {
        (1...count).map { NewTask(tube: tube, priority: 1, delay: 2, timeToRun: 3, body: bytes("\($0)")) }
    }

    @Test func putsIntoTheTubeAndTellsTheIDs() async throws {
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

    @Test func aBatchMayGoToSeveralTubes() async throws {
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

    @Test func goesToAnotherManagerWhereOneCannotBeReached() async throws {
        let dead = FakeManager.deadAddress()
        let manager = try await FakeManager.start(FakeQueue().react)
        let time = VirtualTime()
        try await withClient([dead, manager.address], .testing(time)) { client async throws in
            #expect(try await client.put(bytes("x")) == TaskID(rawValue: 1))
        }
        #expect(time.sleeps.isEmpty)
        try await manager.stop()
    }

    @Test func isUnknownWhereTheManagerDiesBeforeItAnswers() async throws {
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

    @Test func tellsApartWhatWasAnsweredWhatIsUnknownAndWhatWasNotSent() async throws {
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
        // Parts of 128 are sent one after the other here: of the first 100 were answered, the others never left.
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

    @Test(arguments: [Reply.draining, .outOfMemory])
    func goesElsewhereWhereItIsRefusedForNow(_ refusal: Reply) async throws {
        let queue = FakeQueue()
        let full = try await FakeManager.start { _, _ in .answer(refusal) }
        let manager = try await FakeManager.start(queue.react)
        try await withClient([full.address, manager.address]) { client async throws in
            try await client.put(bytes("x"))
            try await client.put(bytes("y"))
        }
        #expect(queue.bodies == ["x", "y"])
        // The second put goes straight to the manager that took the first.
        #expect(full.commands.count <= 2)
        try await full.stop()
        try await manager.stop()
    }

    @Test func triesAgainWithGrowingDelayWhereAllRefuse() async throws {
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
        options.retryDelay = GrowingDelay(first: .milliseconds(100), limit: .milliseconds(300))
        try await withClient([manager.address], options) { client async throws in
            try await client.put(bytes("x"))
        }
        #expect(time.sleeps == [100, 200, 300].map { .milliseconds($0) })
        #expect(queue.bodies == ["x"])
        try await manager.stop()
    }

    @Test func givesUpWhereAllRefuseForTooLong() async throws {
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
    func doesNotRepeatWhatIsRefusedForGood(_ refusal: Reply, code: ClientError.Code) async throws {
        let manager = try await FakeManager.start { _, _ in .answer(refusal) }
        try await withClient([manager.address, manager.address]) { client async throws in
            #expect(await errorCode { try await client.put(bytes("x")) } == code)
        }
        #expect(manager.commands.count == 1)
        try await manager.stop()
    }

    @Test func namesTheManagersItTriedInVain() async throws {
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

    @Test func waitsLongerEachTimeForAManagerThatCannotBeReached() async throws {
        let time = VirtualTime()
        try await withClient([FakeManager.deadAddress()], .testing(time)) { client async throws in
            #expect(await errorCode { try await client.put(bytes("x")) } == .noManagerReachable)
        }
        #expect(Array(time.sleeps.prefix(4)) == [50, 100, 200, 400].map { .milliseconds($0) })
        #expect(time.sleeps.allSatisfy { $0 <= .seconds(2) })
    }

    @Test func doesNotHurryWhereConnectionsAreClosedAtOnce() async throws {
        let manager = try await FakeManager.startClosing()
        let time = VirtualTime()
        try await withClient([manager.address], .testing(time)) { client async throws in
            #expect(await errorCode { try await client.statistics() } != nil)
        }
        #expect(time.sleeps.allSatisfy { $0 >= .milliseconds(50) || $0 == time.sleeps.last })
        #expect(time.sleeps.reduce(Duration.zero, +) == .seconds(10))
        try await manager.stop()
    }

    @Test func findsAManagerThatComesUpLater() async throws {
        let address = FakeManager.deadAddress()
        let started = Mutex<FakeManager?>(nil)
        let queue = FakeQueue()
        let time = VirtualTime()
        var options = BeanrowClient.Options.testing(time)
        options.timekeeper.sleep = { duration in
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

    @Test func givesUpWhenTheManagerIsSilent() async throws {
        let manager = try await FakeManager.start { _, _ in .silence }
        var options = BeanrowClient.Options.testing()
        options.requestTimeout = .seconds(1)
        try await withClient([manager.address], options) { client async throws in
            #expect(await errorCode { try await client.put(bytes("x")) } == .putOutcomeUnknown)
        }
        try await manager.stop()
    }

    @Test func isUnknownWhereItsTaskIsCancelled() async throws {
        let manager = try await FakeManager.start { _, _ in .silence }
        try await withClient([manager.address]) { client async throws in
            let put = Task { try await client.put(bytes("x")) }
            await manager.journal.wait { $0.contains { if case .command = $0 { true } else { false } } }
            put.cancel()
            #expect(await errorCode { try await put.value } == .putOutcomeUnknown)
        }
        try await manager.stop()
    }

    @Test func nothingIsSentWhereItsTaskWasCancelledBefore() async throws {
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

    @Test func failsAfterClose() async throws {
        let manager = try await FakeManager.start(FakeQueue().react)
        let client = BeanrowClient(managers: [manager.address], options: .testing())
        try await client.put(bytes("x"))
        await client.close()
        await manager.journal.wait { $0.contains(.closed(0)) }
        #expect(await errorCode { try await client.put(bytes("y")) } == .closed)
        await client.close()
        try await manager.stop()
    }

    @Test func failsWithoutAnyManager() async throws {
        try await withClient([]) { client async throws in
            #expect(await errorCode { try await client.put(bytes("x")) } == .noManagerReachable)
            #expect(await errorCode { try await client.reserve() } == .noManagerReachable)
            #expect(await errorCode { try await client.reserve(upTo: 3) } == .noManagerReachable)
        }
    }
}
