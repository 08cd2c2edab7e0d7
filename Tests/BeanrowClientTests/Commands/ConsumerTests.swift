import BeanrowClient
import BeanstalkWire
import ClientCommandSupport
import CommandLineSupport
import Synchronization
import Testing

@testable import beanrow_consumer

@Suite struct ConsumerTests {
    private struct Outcome {
        var tally: ConsumerTally
        var wasEmpty: Bool
    }

    private func consume(
        _ managers: [FakeManager],
        _ goal: TakingPlan.Goal,
        stop: StopSignal = StopSignal(),
        pick: PickStrategy = .roundRobin,
        now: @escaping @Sendable () -> Duration = { .zero },
        work: (BeanrowClient, TakingPlan, ConsumerTally, Taker) async -> Void
    ) async throws -> Outcome {
        let plan = TakingPlan(goal: goal, stop: stop)
        let tally = ConsumerTally()
        try await withClient(managers.map(\.address), .testing(pick: pick)) { client async throws in
            let taker = Taker(client: client, tubes: [.default], plan: plan, now: now)
            await work(client, plan, tally, taker)
        }
        return Outcome(tally: tally, wasEmpty: await plan.wasEmpty)
    }

    private func print(
        _ managers: [FakeManager],
        _ goal: TakingPlan.Goal,
        to output: OutputFile,
        concurrency: Int = 256,
        stop: StopSignal = StopSignal(),
        pick: PickStrategy = .roundRobin,
        now: @escaping @Sendable () -> Duration = { .zero }
    ) async throws -> Outcome {
        try await consume(managers, goal, stop: stop, pick: pick, now: now) { client, plan, tally, taker in
            let run = PrintingRun(
                concurrency: concurrency,
                output: output,
                client: client,
                plan: plan,
                tally: tally,
                now: now
            )
            await run.run(taker)
        }
    }

    private func runCommand(
        _ words: [String],
        _ managers: [FakeManager],
        _ goal: TakingPlan.Goal,
        concurrency: Int = 1,
        retry: RetryRule = RetryRule(firstDelay: 0, maximumAttempts: 3),
        stop: StopSignal = StopSignal()
    ) async throws -> Outcome {
        let command = try await TaskCommand(words)
        return try await consume(managers, goal, stop: stop) { client, plan, tally, taker in
            let run = CommandRun(
                concurrency: concurrency,
                command: command,
                retry: retry,
                plan: plan,
                tally: tally,
                now: { .zero },
                say: { _ in }
            )
            await run.run(taker)
        }
    }

    private func queue(_ count: Int) -> (FakeQueue, [String]) {
        let queue = FakeQueue()
        let bodies = (1...count).map(String.init)
        for body in bodies { queue.put(body) }
        return (queue, bodies)
    }

    @Test(arguments: [(1, PickStrategy.roundRobin), (3, .roundRobin), (3, .random)])
    func printsAllInOrderUntilItIsEmpty(_ count: Int, pick: PickStrategy) async throws {
        let (queue, bodies) = queue(2000)
        let managers = try await FakeManager.start(count, over: queue)
        let text = try await written { output async throws in
            let outcome = try await print(managers, .untilEmpty, to: output, pick: pick)
            #expect(outcome.wasEmpty)
            #expect(outcome.tally.done == 2000)
            #expect(outcome.tally.isAllDone)
        }
        #expect(text.split(separator: "\n").map(String.init).sorted() == bodies.sorted())
        if count == 1 { #expect(text == bodies.map { $0 + "\n" }.joined()) }
        #expect(queue.tasks.isEmpty)
        for manager in managers { try await manager.stop() }
    }

    @Test func takesExactlyTheCount() async throws {
        let (queue, _) = queue(1000)
        let managers = try await FakeManager.start(2, over: queue)
        let text = try await written { output async throws in
            let outcome = try await print(managers, .count(777), to: output)
            #expect(outcome.tally.taken == 777)
            #expect(outcome.tally.done == 777)
        }
        #expect(text.split(separator: "\n").count == 777)
        #expect(queue.tasks.count == 223)
        #expect(queue.tasks.allSatisfy { $0.reserves == 0 })
        for manager in managers { try await manager.stop() }
    }

    @Test func hasNoMoreInHandThanItShall() async throws {
        for concurrency in [1, 2, 7] {
            let (queue, _) = queue(100)
            let managers = try await FakeManager.start(1, over: queue)
            _ = try await written { output async throws in
                _ = try await print(managers, .untilEmpty, to: output, concurrency: concurrency)
            }
            #expect(queue.mostHeld <= concurrency)
            try await managers[0].stop()
        }
    }

    @Test func waitsForTasksThatAreStillToCome() async throws {
        let managers = [
            try await FakeManager.start { _, command in
                switch command {
                case .store(.delete, _): .answer(.deleted)
                case .reserveWithTimeout(let seconds): seconds == 0 ? .answer(.timedOut) : .silence
                default: .hangUp
                }
            }
        ]
        let text = try await written { output async throws in
            async let printing = print(managers, .count(1), to: output)
            await managers[0].journal
                .wait { events in
                    events.contains {
                        if case .command(_, .reserveWithTimeout(let seconds)) = $0 { seconds > 0 } else { false }
                    }
                }
            try await managers[0].send(.reserved(TaskID(rawValue: 1), body: bytes("late")), to: 0)
            #expect(try await printing.tally.done == 1)
        }
        #expect(text == "late\n")
        try await managers[0].stop()
    }

    @Test func stopsWhileItWaits() async throws {
        let queue = FakeQueue()
        let managers = try await FakeManager.start(1, over: queue)
        let stop = StopSignal()
        _ = try await written { output async throws in
            async let printing = print(managers, .none, to: output, stop: stop)
            await managers[0].journal
                .wait { events in
                    events.contains {
                        if case .command(_, .reserveWithTimeout(let seconds)) = $0 { seconds > 0 } else { false }
                    }
                }
            stop.set()
            #expect(try await printing.tally.failure == nil)
        }
        try await managers[0].stop()
    }

    @Test func whatWasNotPrintedGoesBack() async throws {
        let (queue, bodies) = queue(300)
        let managers = try await FakeManager.start(1, over: queue)
        try await withClosedReader { output async throws in
            let outcome = try await print(managers, .untilEmpty, to: output)
            #expect(outcome.tally.failure == "standard output was closed")
            #expect(outcome.tally.done == 0)
        }
        await managers[0].journal
            .wait { events in
                events.count(where: { if case .connected = $0 { true } else { false } })
                    == events.count(where: { if case .closed = $0 { true } else { false } })
            }
        #expect(queue.bodies == bodies)
        #expect(queue.tasks.allSatisfy { $0.holder == nil })
        try await managers[0].stop()
    }

    @Test func countsWhatMayComeAgain() async throws {
        let queue = FakeQueue()
        queue.put("x")
        let manager = try await FakeManager.start { connection, command in
            if command.verb == .delete { .hangUp } else { queue.react(connection, command) }
        }
        let text = try await written { output async throws in
            let outcome = try await print([manager], .count(1), to: output)
            #expect(outcome.tally.done == 0)
            #expect(!outcome.tally.isAllDone)
            #expect(outcome.tally.summary(after: .zero).last?.contains("1 may run again") == true)
        }
        #expect(text == "x\n")
        try await manager.stop()
    }

    @Test func isNotEmptyBeforeWhatWasLostCameBack() async throws {
        let queue = FakeQueue()
        queue.put("x")
        let isFirst = Atomic(true)
        let lost = Mutex<Int?>(nil)
        let time = VirtualTime()
        let manager = try await FakeManager.start { connection, command in
            switch command {
            case .store(.delete, _) where isFirst.exchange(false, ordering: .relaxed):
                lost.withLock { $0 = connection }
                return .hangUp
            case .store(.delete, _) where lost.withLock({ $0 }) != nil:
                return .answer(.notFound)
            case .reserveWithTimeout(let seconds) where seconds > 0:
                // It comes back only once the consumer has found nothing, and waits.
                if let connection = lost.withLock({ $0.take() }) {
                    queue.giveBack(connection)
                    time.advance(by: .seconds(10))
                }
            default:
                break
            }
            return queue.react(connection, command)
        }
        let text = try await written { output async throws in
            let outcome = try await print([manager], .untilEmpty, to: output) { time.timekeeper.now() }
            #expect(outcome.wasEmpty)
            #expect(outcome.tally.done == 1)
            #expect(outcome.tally.isAllDone)
        }
        #expect(text == "x\nx\n")
        try await manager.stop()
    }

    @Test func saysWhereNoManagerIsLeft() async throws {
        let address = FakeManager.deadAddress()
        let tally = ConsumerTally()
        let plan = TakingPlan(goal: .none, stop: StopSignal())
        try await withClient([address]) { client async throws in
            let run = PrintingRun(
                concurrency: 4,
                output: .standardOutput,
                client: client,
                plan: plan,
                tally: tally,
                now: { .zero }
            )
            await run.run(Taker(client: client, tubes: [.default], plan: plan, now: { .zero }))
        }
        #expect(tally.failure == "no manager reachable: \(address) (connection refused)")
        #expect(plan.stop.isSet)
    }

    @Test func runsACommandForEachTask() async throws {
        let (queue, _) = queue(20)
        let managers = try await FakeManager.start(2, over: queue)
        let script = #"read line; test "$line" = "$BEANROW_TASK_ID" && test "$BEANROW_ATTEMPT" = 1"#
        let outcome = try await runCommand(
            ["sh", "-c", script + " || test $? = 1"],
            managers,
            .untilEmpty,
            concurrency: 4
        )
        #expect(outcome.tally.done == 20)
        #expect(outcome.wasEmpty)
        #expect(queue.tasks.isEmpty)
        for manager in managers { try await manager.stop() }
    }

    @Test func aFailedTaskIsTriedAgainAndThenBuried() async throws {
        let queue = FakeQueue()
        queue.put("bad", priority: 77)
        queue.put("good")
        let managers = try await FakeManager.start(1, over: queue)
        let outcome = try await runCommand(["grep", "-q", "good"], managers, .untilEmpty)
        #expect(outcome.tally.done == 1)
        #expect(!outcome.tally.isAllDone)
        #expect(outcome.tally.summary(after: .zero).last?.hasSuffix("2 released, 1 buried") == true)
        #expect(queue.tasks.map(\.isBuried) == [true])
        #expect(queue.tasks.map(\.reserves) == [3])
        #expect(queue.tasks.map(\.priority) == [77])
        try await managers[0].stop()
    }

    @Test func aTaskThatSucceedsInTheEndIsDone() async throws {
        let queue = FakeQueue()
        queue.put("x")
        let managers = try await FakeManager.start(1, over: queue)
        let outcome = try await runCommand(["sh", "-c", "test $BEANROW_ATTEMPT = 2"], managers, .untilEmpty)
        #expect(outcome.tally.done == 1)
        #expect(outcome.tally.isAllDone)
        try await managers[0].stop()
    }

    @Test func aFailedTaskIsDelayed() async throws {
        let queue = FakeQueue()
        queue.put("x", priority: 5)
        let managers = try await FakeManager.start(1, over: queue)
        let retry = RetryRule(firstDelay: 9, maximumAttempts: 3)
        let outcome = try await runCommand(["false"], managers, .count(1), retry: retry)
        #expect(!outcome.tally.isAllDone)
        #expect(queue.tasks.map(\.delay) == [9])
        #expect(queue.tasks.map(\.priority) == [5])
        try await managers[0].stop()
    }

    @Test func aCommandNeedNotReadTheBody() async throws {
        let queue = FakeQueue()
        queue.put(String(repeating: "x", count: 65_000))
        let managers = try await FakeManager.start(1, over: queue)
        let outcome = try await runCommand(["true"], managers, .untilEmpty)
        #expect(outcome.tally.done == 1)
        try await managers[0].stop()
    }

    @Test func saysWhereThereIsNoSuchCommand() async {
        await #expect(throws: (any Error).self) { try await TaskCommand(["no-such-command-anywhere"]) }
    }

    @Test func givesBackItsTaskWhereTheCommandCannotBeStarted() async throws {
        let queue = FakeQueue()
        queue.put("x", priority: 5)
        let managers = try await FakeManager.start(1, over: queue)
        let outcome = try await runCommand(["/no/such/command"], managers, .none)
        #expect(outcome.tally.failure?.hasPrefix("cannot run /no/such/command: ") == true)
        #expect(queue.tasks.map(\.holder) == [nil])
        #expect(queue.tasks.map(\.priority) == [5])
        try await managers[0].stop()
    }

    @Test func endsItsCommandWhereItIsCancelled() async throws {
        let queue = FakeQueue()
        queue.put("x")
        let managers = try await FakeManager.start(1, over: queue)
        let running = Task { try await runCommand(["sleep", "1000"], managers, .none) }
        await managers[0].journal
            .wait { events in
                events.contains { if case .command(_, .store(.statsJob, _)) = $0 { true } else { false } }
            }
        running.cancel()
        let outcome = try await running.value
        #expect(outcome.tally.done == 0)
        #expect(queue.tasks.map(\.holder) == [nil])
        try await managers[0].stop()
    }

    @Test func renewsTheTimeToRunWhileTheCommandRuns() async throws {
        let queue = FakeQueue()
        queue.put("x")
        let touched = StopSignal()
        let manager = try await FakeManager.start { connection, command in
            switch command {
            case .store(.statsJob, _): return .answer(.ok(bytes("---\ntube: t\npri: 1\nttr: 1\nreserves: 1\n")))
            case .store(.touch, _): touched.set()
            default: break
            }
            return queue.react(connection, command)
        }
        let running = Task { try await runCommand(["sleep", "1000"], [manager], .none) }
        await touched.wait()
        running.cancel()
        _ = try await running.value
        try await manager.stop()
    }

    @Test func `a touch that fails does not end the renewing, nor does a lost connection`() async throws {
        let queue = FakeQueue()
        queue.put("x")
        let touches = Mutex(0)
        let renewed = StopSignal()
        let manager = try await FakeManager.start(over: queue) { _, command in
            switch command {
            case .store(.statsJob, _): return .answer(.ok(bytes("---\ntube: t\npri: 1\nttr: 1\nreserves: 1\n")))
            case .store(.touch, _):
                let number = touches.withLock { touches in
                    touches += 1
                    return touches
                }
                switch number {
                case 1: return .answer(.internalError)
                case 2: return .answer(.outOfMemory)
                case 3: return .hangUp
                case 4: return nil
                default:
                    renewed.set()
                    return nil
                }
            default: return nil
            }
        }
        let running = Task { try await runCommand(["sleep", "1000"], [manager], .none) }
        await renewed.wait()
        running.cancel()
        _ = try await running.value
        try await manager.stop()
    }
}
