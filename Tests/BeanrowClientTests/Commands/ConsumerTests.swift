import BeanrowClient
import BeanstalkWire
import ClientCommandSupport
import CommandLineSupport
import Synchronization
import Testing

@testable import beanrow_consumer

@Suite struct ConsumerTests {
    struct Outcome {
        var summary: ConsumerSummary
        var wasEmpty: Bool
    }

    func consume(
        _ managers: [FakeManager],
        _ goal: FetchBudget.Goal,
        stop: StopSignal = StopSignal(),
        selection: ManagerSelection = .roundRobin,
        now: @escaping @Sendable () -> Duration = { .zero },
        work: (BeanrowClient, FetchBudget, ConsumerSummary, Fetcher) async -> Void
    ) async throws -> Outcome {
        let budget = FetchBudget(goal: goal, stop: stop)
        let summary = ConsumerSummary()
        try await withClient(managers.map(\.address), .testing(selection: selection)) { client async throws in
            let fetcher = Fetcher(client: client, tubes: [.default], budget: budget, now: now)
            await work(client, budget, summary, fetcher)
        }
        return Outcome(summary: summary, wasEmpty: await budget.wasEmpty)
    }

    func print(
        _ managers: [FakeManager],
        _ goal: FetchBudget.Goal,
        to output: OutputFile,
        concurrency: Int = 256,
        stop: StopSignal = StopSignal(),
        selection: ManagerSelection = .roundRobin,
        now: @escaping @Sendable () -> Duration = { .zero }
    ) async throws -> Outcome {
        try await consume(managers, goal, stop: stop, selection: selection, now: now) {
            client,
            budget,
            summary,
            fetcher in
            let run = TaskPrinter(
                concurrency: concurrency,
                output: output,
                client: client,
                budget: budget,
                summary: summary,
                now: now
            )
            await run.run(fetcher)
        }
    }

    func runCommand(
        _ words: [String],
        _ managers: [FakeManager],
        _ goal: FetchBudget.Goal,
        concurrency: Int = 1,
        retry: RetryPolicy = RetryPolicy(firstDelay: 0, maximumAttempts: 3),
        stop: StopSignal = StopSignal()
    ) async throws -> Outcome {
        let command = try await TaskCommand(words)
        return try await consume(managers, goal, stop: stop) { client, budget, summary, fetcher in
            let run = CommandRunner(
                concurrency: concurrency,
                command: command,
                retry: retry,
                budget: budget,
                summary: summary,
                now: { .zero },
                report: { _ in }
            )
            await run.run(fetcher)
        }
    }

    func queue(_ count: Int) -> (FakeQueue, [String]) {
        let queue = FakeQueue()
        let bodies = (1...count).map(String.init)
        for body in bodies { queue.put(body) }
        return (queue, bodies)
    }

    @Test(arguments: [(1, ManagerSelection.roundRobin), (3, .roundRobin), (3, .random)])
    func `until-empty prints all bodies, with one manager in order`(_ count: Int, selection: ManagerSelection)
        async throws
    {
        let (queue, bodies) = queue(2000)
        let managers = try await FakeManager.start(count, over: queue)
        let text = try await written { output async throws in
            let outcome = try await print(managers, .untilEmpty, to: output, selection: selection)
            #expect(outcome.wasEmpty)
            #expect(outcome.summary.done == 2000)
            #expect(outcome.summary.isAllDone)
        }
        #expect(text.split(separator: "\n").map(String.init).sorted() == bodies.sorted())
        if count == 1 { #expect(text == bodies.map { $0 + "\n" }.joined()) }
        #expect(queue.tasks.isEmpty)
        for manager in managers { try await manager.stop() }
    }

    @Test func `a count fetches exactly this number of tasks`() async throws {
        let (queue, _) = queue(1000)
        let managers = try await FakeManager.start(2, over: queue)
        let text = try await written { output async throws in
            let outcome = try await print(managers, .count(777), to: output)
            #expect(outcome.summary.fetched == 777)
            #expect(outcome.summary.done == 777)
        }
        #expect(text.split(separator: "\n").count == 777)
        #expect(queue.tasks.count == 223)
        #expect(queue.tasks.allSatisfy { $0.reserves == 0 })
        for manager in managers { try await manager.stop() }
    }

    @Test func `no more tasks are claimed than concurrency allows`() async throws {
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

    @Test func `the consumer waits for a task that is put later`() async throws {
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
            #expect(try await printing.summary.done == 1)
        }
        #expect(text == "late\n")
        try await managers[0].stop()
    }

    @Test func `the stop signal ends a wait`() async throws {
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
            #expect(try await printing.summary.failure == nil)
        }
        try await managers[0].stop()
    }

    @Test func `bodies that could not be printed go back into the queue`() async throws {
        let (queue, bodies) = queue(300)
        let managers = try await FakeManager.start(1, over: queue)
        try await withClosedReader { output async throws in
            let outcome = try await print(managers, .untilEmpty, to: output)
            #expect(outcome.summary.failure == "standard output was closed")
            #expect(outcome.summary.done == 0)
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

    @Test func `a task whose delete was lost is counted as one that may run again`() async throws {
        let queue = FakeQueue()
        queue.put("x")
        let manager = try await FakeManager.start { connection, command in
            if command.verb == .delete { .hangUp } else { queue.react(connection, command) }
        }
        let text = try await written { output async throws in
            let outcome = try await print([manager], .count(1), to: output)
            #expect(outcome.summary.done == 0)
            #expect(!outcome.summary.isAllDone)
            #expect(outcome.summary.lines(after: .zero).last?.contains("1 may run again") == true)
        }
        #expect(text == "x\n")
        try await manager.stop()
    }

    @Test func `until-empty waits for a task whose claim was lost`() async throws {
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
                // The task comes back only when the consumer has found none, and waits.
                if let connection = lost.withLock({ $0.take() }) {
                    queue.releaseClaims(connection)
                    time.advance(by: .seconds(10))
                }
            default:
                break
            }
            return queue.react(connection, command)
        }
        let text = try await written { output async throws in
            let outcome = try await print([manager], .untilEmpty, to: output) { time.clock.now() }
            #expect(outcome.wasEmpty)
            #expect(outcome.summary.done == 1)
            #expect(outcome.summary.isAllDone)
        }
        #expect(text == "x\nx\n")
        try await manager.stop()
    }

    @Test func `the failure names the manager that cannot be reached`() async throws {
        let address = FakeManager.deadAddress()
        let summary = ConsumerSummary()
        let budget = FetchBudget(goal: .none, stop: StopSignal())
        try await withClient([address]) { client async throws in
            let run = TaskPrinter(
                concurrency: 4,
                output: .standardOutput,
                client: client,
                budget: budget,
                summary: summary,
                now: { .zero }
            )
            await run.run(Fetcher(client: client, tubes: [.default], budget: budget, now: { .zero }))
        }
        #expect(summary.failure == "no manager reachable: \(address) (connection refused)")
        #expect(budget.stop.isSet)
    }
}
