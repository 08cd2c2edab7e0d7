import BeanrowClient
import BeanstalkWire
import ClientCommandSupport
import CommandLineSupport
import Synchronization
import Testing

@testable import beanrow_consumer

extension ConsumerTests {
    @Test func `the command runs once per task`() async throws {
        let (queue, _) = queue(20)
        let managers = try await FakeManager.start(2, over: queue)
        let script = #"read line; test "$line" = "$BEANROW_TASK_ID" && test "$BEANROW_ATTEMPT" = 1"#
        let outcome = try await runCommand(
            ["sh", "-c", script + " || test $? = 1"],
            managers,
            .untilEmpty,
            concurrency: 4
        )
        #expect(outcome.summary.done == 20)
        #expect(outcome.wasEmpty)
        #expect(queue.tasks.isEmpty)
        for manager in managers { try await manager.stop() }
    }

    @Test func `a failed task is tried again, and buried after the last attempt`() async throws {
        let queue = FakeQueue()
        queue.put("bad", priority: 77)
        queue.put("good")
        let managers = try await FakeManager.start(1, over: queue)
        let outcome = try await runCommand(["grep", "-q", "good"], managers, .untilEmpty)
        #expect(outcome.summary.done == 1)
        #expect(!outcome.summary.isAllDone)
        #expect(outcome.summary.lines(after: .zero).last?.hasSuffix("2 released, 1 buried") == true)
        #expect(queue.tasks.map(\.isBuried) == [true])
        #expect(queue.tasks.map(\.reserves) == [3])
        #expect(queue.tasks.map(\.priority) == [77])
        try await managers[0].stop()
    }

    @Test func `a task that succeeds at a later attempt is done`() async throws {
        let queue = FakeQueue()
        queue.put("x")
        let managers = try await FakeManager.start(1, over: queue)
        let outcome = try await runCommand(["sh", "-c", "test $BEANROW_ATTEMPT = 2"], managers, .untilEmpty)
        #expect(outcome.summary.done == 1)
        #expect(outcome.summary.isAllDone)
        try await managers[0].stop()
    }

    @Test func `a failed task is released with a delay and its old priority`() async throws {
        let queue = FakeQueue()
        queue.put("x", priority: 5)
        let managers = try await FakeManager.start(1, over: queue)
        let retry = RetryPolicy(firstDelay: 9, maximumAttempts: 3)
        let outcome = try await runCommand(["false"], managers, .count(1), retry: retry)
        #expect(!outcome.summary.isAllDone)
        #expect(queue.tasks.map(\.delay) == [9])
        #expect(queue.tasks.map(\.priority) == [5])
        try await managers[0].stop()
    }

    @Test func `a command need not read its standard input`() async throws {
        let queue = FakeQueue()
        queue.put(String(repeating: "x", count: 65_000))
        let managers = try await FakeManager.start(1, over: queue)
        let outcome = try await runCommand(["true"], managers, .untilEmpty)
        #expect(outcome.summary.done == 1)
        try await managers[0].stop()
    }

    @Test func `a command that does not exist is an error`() async {
        await #expect(throws: (any Error).self) { try await TaskCommand(["no-such-command-anywhere"]) }
    }

    @Test func `if the command cannot be started, its task is released`() async throws {
        let queue = FakeQueue()
        queue.put("x", priority: 5)
        let managers = try await FakeManager.start(1, over: queue)
        let outcome = try await runCommand(["/no/such/command"], managers, .none)
        #expect(outcome.summary.failure?.hasPrefix("cannot run /no/such/command: ") == true)
        #expect(queue.tasks.map(\.holder) == [nil])
        #expect(queue.tasks.map(\.priority) == [5])
        try await managers[0].stop()
    }

    @Test func `cancellation ends the command and releases its task`() async throws {
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
        #expect(outcome.summary.done == 0)
        #expect(queue.tasks.map(\.holder) == [nil])
        try await managers[0].stop()
    }

    @Test func `the time to run is extended while the command runs`() async throws {
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

    @Test func `the time to run is extended after failed touches and a lost connection`() async throws {
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
