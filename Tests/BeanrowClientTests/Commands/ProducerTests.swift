import BeanrowClient
import BeanstalkWire
import ClientCommandSupport
import CommandLineSupport
import Foundation
import Synchronization
import Testing

@testable import beanrow_producer

@Suite struct ProducerTests {
    private let tube = TubeName("mail")!

    private func run(
        _ managers: [FakeManager],
        _ source: TaskSource,
        ids: OutputFile? = nil,
        options: BeanrowClient.Options = .testing(),
        signals: ShutdownSignals = ShutdownSignals()
    ) async throws -> ProducerSummary {
        let template = Producer.Template(tube: tube, priority: 1, delay: 2, timeToRun: 3)
        return try await withClient(managers.map(\.address), options) { client async throws in
            let run = Producer(client: client, source: source, template: template, ids: ids)
            return await run.run(until: signals)
        }
    }

    /// A source that reads this text from a file.
    private func source(_ text: String, longest: Int = 65_535) throws -> TaskSource {
        let url = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try Data(text.utf8).write(to: url)
        let descriptor = open(url.path, O_RDONLY)
        try FileManager.default.removeItem(at: url)
        return TaskSource.lines(of: descriptor, longest: longest)
    }

    @Test func `each line is put in order and its id printed`() async throws {
        let queue = FakeQueue()
        let managers = try await FakeManager.start(1, over: queue)
        let numbers = (1...5000).map(String.init)
        let text = try await written { ids async throws in
            let summary = try await run(managers, source(numbers.joined(separator: "\n")), ids: ids)
            #expect(summary.isComplete)
            #expect(summary.put == 5000)
        }
        #expect(queue.bodies == numbers)
        #expect(queue.tasks.allSatisfy { $0.tube == tube })
        #expect(text == numbers.map { $0 + "\n" }.joined())
        try await managers[0].stop()
    }

    @Test func `generated bodies start with their number`() async throws {
        let queue = FakeQueue()
        let managers = try await FakeManager.start(1, over: queue)
        #expect(try await run(managers, .generated(count: 600, size: 7)).isComplete)
        #expect(queue.bodies.count == 600)
        #expect(queue.bodies.first == "1 .....")
        #expect(queue.bodies.last == "600 ...")
        #expect(TaskSource.body(number: 12, size: nil) == bytes("12"))
        #expect(TaskSource.body(number: 12, size: 3) == bytes("12 "))
        try await managers[0].stop()
    }

    @Test func `refused lines are listed, and the others are put`() async throws {
        let queue = FakeQueue()
        let manager = try await FakeManager.start { connection, command in
            if case .put(_, _, _, bytes("bad"), _) = command { return .answer(.jobTooBig) }
            return queue.react(connection, command)
        }
        let text = try await written { ids async throws in
            let summary = try await run([manager], source("a\nlonger\nbad\nb\n", longest: 5), ids: ids)
            #expect(!summary.isComplete)
            let lines = summary.lines(after: .seconds(1))
            #expect(lines[0] == "refused, the body is larger than the manager accepts (JOB_TOO_BIG): lines 2-3")
            #expect(lines[1] == "2 tasks put in 1.00 s (2/s), 2 refused")
        }
        #expect(queue.bodies == ["a", "b"])
        #expect(text == "1\nrefused\nrefused\n2\n")
        try await manager.stop()
    }

    @Test func `unknown lines are listed and not put again`() async throws {
        let first = FakeQueue()
        let second = FakeQueue()
        let seen = Mutex(0)
        let dying = try await FakeManager.start { connection, command in
            guard command.verb == .put else { return first.react(connection, command) }
            let number = seen.withLock { seen in
                seen += 1
                return seen
            }
            return number > 10 ? .hangUp : first.react(connection, command)
        }
        let manager = try await FakeManager.start(second.react)
        let count = 3000
        let text = try await written { ids async throws in
            let summary = try await run([dying, manager], .generated(count: count, size: nil), ids: ids)
            #expect(!summary.isComplete)
            #expect(summary.put + summary.unknown.count == count)
            #expect(summary.unknown.first == 11)
            #expect(summary.lines(after: .zero).contains { $0.contains("unknown, since") && $0.contains("lines 11-") })
            let again = Set(second.bodies).intersection(summary.unknown.map(String.init))
            #expect(again.isEmpty)
        }
        let words = text.split(separator: "\n")
        #expect(words.count == count)
        #expect(words.count { $0 == "unknown" } == count - first.bodies.count - second.bodies.count)
        try await dying.stop()
        try await manager.stop()
    }

    @Test func `without a reachable manager the producer stops`() async throws {
        let queue = FakeQueue()
        let managers = try await FakeManager.start(1, over: queue)
        try await managers[0].stop()
        let summary = try await run(managers, .generated(count: 10_000, size: nil))
        #expect(!summary.isComplete)
        #expect(summary.put == 0)
        let lines = summary.lines(after: .seconds(1))
        #expect(lines[0] == "not put: lines 1-256")
        #expect(lines[1].hasPrefix("stopped: no manager reachable: \(managers[0].address)"))
        #expect(lines[1].hasSuffix("nothing was put from line 257 on"))
    }

    @Test func `the stop signal ends the producer after the lines it has read`() async throws {
        let queue = FakeQueue()
        let managers = try await FakeManager.start(1, over: queue)
        let signals = ShutdownSignals()
        let pipe = Pipe()
        try pipe.fileHandleForWriting.write(contentsOf: Data("a\nb\n".utf8))
        let source = TaskSource.lines(of: pipe.fileHandleForReading.fileDescriptor, longest: 100)
        async let running = run(managers, source, signals: signals)
        await managers[0].journal
            .wait { events in
                events.count { if case .command(_, let command) = $0 { command.verb == .putUnique } else { false } }
                    == 2
            }
        signals.stop.set()
        let summary = try await running
        #expect(summary.put == 2)
        #expect(!summary.isComplete)
        #expect(summary.lines(after: .zero)[0] == "stopped: interrupted; nothing was put from line 3 on")
        try pipe.fileHandleForWriting.close()
        try await managers[0].stop()
    }

    @Test func `the producer stops if the ids cannot be written`() async throws {
        let managers = try await FakeManager.start(1, over: FakeQueue())
        try await withClosedReader { ids async throws in
            let summary = try await run(managers, .generated(count: 100_000, size: nil), ids: ids)
            #expect(!summary.isComplete)
            #expect(summary.failure == "cannot write the ids: broken pipe")
            #expect(summary.put < 100_000)
        }
        try await managers[0].stop()
    }

    @Test func `input that cannot be read is a failure`() async throws {
        let managers = try await FakeManager.start(1, over: FakeQueue())
        let directory = open("/", O_RDONLY)
        let summary = try await run(managers, .lines(of: directory, longest: 100))
        close(directory)
        #expect(summary.failure == "cannot read the input: is a directory")
        #expect(!summary.isComplete)
        try await managers[0].stop()
    }
}
