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
        interruption: Interruption = Interruption()
    ) async throws -> ProducerTally {
        let template = ProducerRun.Template(tube: tube, priority: 1, delay: 2, timeToRun: 3)
        return try await withClient(managers.map(\.address), options) { client async throws in
            let run = ProducerRun(client: client, source: source, template: template, ids: ids)
            return await run.run(until: interruption)
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

    @Test func putsEachLineInOrderAndPrintsItsID() async throws {
        let queue = FakeQueue()
        let managers = try await FakeManager.start(1, over: queue)
        let numbers = (1...5000).map(String.init)
        let text = try await written { ids async throws in
            let tally = try await run(managers, source(numbers.joined(separator: "\n")), ids: ids)
            #expect(tally.isComplete)
            #expect(tally.put == 5000)
        }
        #expect(queue.bodies == numbers)
        #expect(queue.tasks.allSatisfy { $0.tube == tube })
        #expect(text == numbers.map { $0 + "\n" }.joined())
        try await managers[0].stop()
    }

    @Test func generatesNumberedBodies() async throws {
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

    @Test func refusedLinesAreNamedAndTheOthersGoOn() async throws {
        let queue = FakeQueue()
        let manager = try await FakeManager.start { connection, command in
            if case .put(_, _, _, bytes("bad"), _) = command { return .answer(.jobTooBig) }
            return queue.react(connection, command)
        }
        let text = try await written { ids async throws in
            let tally = try await run([manager], source("a\nlonger\nbad\nb\n", longest: 5), ids: ids)
            #expect(!tally.isComplete)
            let summary = tally.summary(after: .seconds(1))
            #expect(summary[0] == "refused, the body is larger than the manager takes (JOB_TOO_BIG): lines 2-3")
            #expect(summary[1] == "2 tasks put in 1.00 s (2/s), 2 refused")
        }
        #expect(queue.bodies == ["a", "b"])
        #expect(text == "1\nrefused\nrefused\n2\n")
        try await manager.stop()
    }

    @Test func unknownLinesAreNamedAndNotPutAgain() async throws {
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
            let tally = try await run([dying, manager], .generated(count: count, size: nil), ids: ids)
            #expect(!tally.isComplete)
            #expect(tally.put + tally.unknown.count == count)
            #expect(tally.unknown.first == 11)
            #expect(tally.summary(after: .zero).contains { $0.contains("nobody knows") && $0.contains("lines 11-") })
            let again = Set(second.bodies).intersection(tally.unknown.map(String.init))
            #expect(again.isEmpty)
        }
        let words = text.split(separator: "\n")
        #expect(words.count == count)
        #expect(words.count { $0 == "unknown" } == count - first.bodies.count - second.bodies.count)
        try await dying.stop()
        try await manager.stop()
    }

    @Test func givesUpWhereNoManagerIsLeft() async throws {
        let queue = FakeQueue()
        let managers = try await FakeManager.start(1, over: queue)
        try await managers[0].stop()
        let tally = try await run(managers, .generated(count: 10_000, size: nil))
        #expect(!tally.isComplete)
        #expect(tally.put == 0)
        let summary = tally.summary(after: .seconds(1))
        #expect(summary[0] == "not put: lines 1-256")
        #expect(summary[1].hasPrefix("given up: no manager reachable: \(managers[0].address)"))
        #expect(summary[1].hasSuffix("nothing was put from line 257 on"))
    }

    @Test func stopsWhenItIsInterrupted() async throws {
        let queue = FakeQueue()
        let managers = try await FakeManager.start(1, over: queue)
        let interruption = Interruption()
        let pipe = Pipe()
        try pipe.fileHandleForWriting.write(contentsOf: Data("a\nb\n".utf8))
        let source = TaskSource.lines(of: pipe.fileHandleForReading.fileDescriptor, longest: 100)
        async let running = run(managers, source, interruption: interruption)
        await managers[0].journal
            .wait { events in
                events.count { if case .command(_, let command) = $0 { command.verb == .putUnique } else { false } }
                    == 2
            }
        interruption.stop.set()
        let tally = try await running
        #expect(tally.put == 2)
        #expect(!tally.isComplete)
        #expect(tally.summary(after: .zero)[0] == "given up: interrupted; nothing was put from line 3 on")
        try pipe.fileHandleForWriting.close()
        try await managers[0].stop()
    }

    @Test func stopsWhereNobodyReadsTheIDs() async throws {
        let managers = try await FakeManager.start(1, over: FakeQueue())
        try await withClosedReader { ids async throws in
            let tally = try await run(managers, .generated(count: 100_000, size: nil), ids: ids)
            #expect(!tally.isComplete)
            #expect(tally.givenUp == "cannot write the ids: broken pipe")
            #expect(tally.put < 100_000)
        }
        try await managers[0].stop()
    }

    @Test func saysWhereTheInputCannotBeRead() async throws {
        let managers = try await FakeManager.start(1, over: FakeQueue())
        let directory = open("/", O_RDONLY)
        let tally = try await run(managers, .lines(of: directory, longest: 100))
        close(directory)
        #expect(tally.givenUp == "cannot read the input: is a directory")
        #expect(!tally.isComplete)
        try await managers[0].stop()
    }
}
