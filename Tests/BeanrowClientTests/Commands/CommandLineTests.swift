import ArgumentParser
import BeanrowClient
import ClientCommandSupport
import CommandLineSupport
import Testing

@testable import beanrow_consumer
@testable import beanrow_producer

@Suite struct CommandLineTests {
    @Test func `the producer has defaults`() throws {
        let command = try #require(try ProducerCommand.parseAsRoot([]) as? ProducerCommand)
        #expect(command.managers.managers.addresses == [ManagerAddress(host: "127.0.0.1", port: 11_300)])
        #expect(command.managers.connectTimeout == 10)
        #expect(command.tube == .default)
        #expect(command.delay == 0)
        #expect(command.count == nil)
        #expect(command.printIds == false)
    }

    @Test func `the producer reads its flags`() throws {
        let command = try #require(
            try ProducerCommand.parseAsRoot([
                "--managers", "a:1,[::1]:2", "--tube", "mail", "--priority", "0", "--delay", "5", "--ttr", "4294967295",
                "--count", "10", "--size", "20", "--print-ids", "--connect-timeout", "0.5",
            ]) as? ProducerCommand
        )
        #expect(command.managers.managers.addresses.map(\.description) == ["a:1", "[::1]:2"])
        #expect(command.tube == TubeName("mail"))
        #expect(command.priority == 0)
        #expect(command.delay == 5)
        #expect(command.ttr == .max)
        #expect(command.count == 10)
        #expect(command.size == 20)
        #expect(command.printIds)
        #expect(command.managers.connectTimeout == 0.5)
    }

    @Test(arguments: [
        ["--managers", "host:99999"], ["--managers", ""], ["--managers", "a:1,"], ["--managers", "a:0"],
        ["--tube", "-a"], ["--tube", "a b"], ["--priority", "4294967296"], ["--delay", "-1"], ["--ttr", "0"],
        ["--count", "0"], ["--size", "5"], ["--count", "100", "--size", "2"], ["--connect-timeout", "-1"],
        ["--connect-timeout", "nan"], ["--nonsense"], ["words"],
    ])
    func `the producer refuses wrong flags`(_ arguments: [String]) {
        expectUsage("beanrow-producer") {
            try ProducerCommand.parseAsRoot(arguments)
        } for: {
            (ProducerCommand.exitCode(for: $0), ProducerCommand.fullMessage(for: $0))
        }
    }

    @Test func `the consumer has defaults`() throws {
        let command = try #require(try ConsumerCommand.parseAsRoot([]) as? ConsumerCommand)
        #expect(command.tubes.isEmpty)
        #expect(command.pick == .roundRobin)
        #expect(command.count == nil)
        #expect(!command.untilEmpty)
        #expect(command.maxAttempts == 10)
        #expect(command.command.isEmpty)
    }

    @Test func `the consumer reads its flags`() throws {
        let command = try #require(
            try ConsumerCommand.parseAsRoot([
                "--tube", "a", "--tube", "b", "--pick", "random", "--concurrency", "8", "--count", "3", "--",
                "grep", "--count", "x",
            ]) as? ConsumerCommand
        )
        #expect(command.tubes == [TubeName("a"), TubeName("b")])
        #expect(command.pick == .random)
        #expect(command.concurrency == 8)
        #expect(command.count == 3)
        #expect(command.command == ["grep", "--count", "x"])
    }

    @Test(arguments: [
        ["--managers", ":1"], ["--tube", ""], ["--pick", "first"], ["--concurrency", "0"], ["--count", "0"],
        ["--count", "x"], ["--count", "1", "--until-empty"], ["--max-attempts", "0"], ["--retry-delay", "-1"],
        ["cat"], ["--", ""],
    ])
    func `the consumer refuses wrong flags`(_ arguments: [String]) {
        expectUsage("beanrow-consumer") {
            try ConsumerCommand.parseAsRoot(arguments)
        } for: {
            (ConsumerCommand.exitCode(for: $0), ConsumerCommand.fullMessage(for: $0))
        }
    }

    private func expectUsage(
        _ name: String,
        _ parse: () throws -> any ParsableCommand,
        for explain: (any Error) -> (ExitCode, String)
    ) {
        do {
            _ = try parse()
            Issue.record("nothing was wrong")
        } catch {
            let (code, message) = explain(error)
            #expect(code.rawValue == 64)
            #expect(message.hasPrefix("Error: "))
            #expect(message.contains("Usage: \(name)"))
        }
    }

    @Test func `numbers are formatted as ranges`() {
        #expect(Formatting.ranges([]) == "")
        #expect(Formatting.ranges([1, 2, 3, 7, 9, 10]) == "1-3, 7, 9-10")
        #expect(Formatting.ranges([1, 3, 5, 6, 8], limit: 2) == "1, 3, and 3 more")
    }

    @Test func `counts and rates are formatted`() {
        #expect(Formatting.count(1, "task") == "1 task")
        #expect(Formatting.count(0, "task") == "0 tasks")
        #expect(Formatting.rate(100, in: .milliseconds(500)) == "0.50 s (200/s)")
        #expect(Formatting.rate(0, in: .zero) == "0.00 s")
    }

    @Test func `a stop signal resumes all waiting tasks`() async {
        let stop = StopSignal()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<10 { group.addTask { await stop.wait() } }
            stop.set()
        }
        #expect(stop.isSet)
        await stop.wait()
    }

    @Test func `cancellation ends the wait for a stop signal`() async {
        let stop = StopSignal()
        let waiting = Task { await stop.wait() }
        waiting.cancel()
        await waiting.value
        #expect(!stop.isSet)
    }

    @Test func `writing to a closed pipe is an error`() async throws {
        try await withClosedReader { output async throws in
            let failure = await #expect(throws: OutputFile.Failure.self) { try await output.write(bytes("x")) }
            #expect(failure?.isClosed == true)
        }
    }
}
