internal import ArgumentParser
internal import BeanrowClient
internal import ClientCommandSupport
internal import CommandLineSupport
internal import Glibc

/// `beanrow-producer`: puts lines, or generated tasks, into the queue.
@main
struct ProducerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "beanrow-producer",
        abstract: "Put tasks into the queue: one per line of standard input, or generated ones.",
        usage: """
            beanrow-producer [--managers <host:port,...>] [--tube <tube>] [<options>] < FILE
            beanrow-producer [--managers <host:port,...>] [--tube <tube>] [<options>] --count <n> [--size <bytes>]
            """,
        discussion: """
            The bytes of a line, without the line feed, are the body of a task. An empty line is a task with an empty \
            body. The last line needs no line feed. A task counts as put when it is durable.

            All lines go through one manager while it works, and arrive in their order. If it fails, another one is \
            used. Each line has its own key. Lines whose answers were lost with a connection are put again under their \
            keys, so each line becomes one task. In three cases such lines count as unknown, and are listed by number \
            at the end: no manager can be reached, --no-keys was given, or the server does not accept keys.

            After SIGINT or SIGTERM it reads no more lines, waits for the answers, and exits. After a second signal it \
            does not wait.

            The exit status is 0 if every line was put, 64 if the command line is wrong, and 1 otherwise.

            EXAMPLES
              Put 100000 numbers:
                seq 1 100000 | beanrow-producer --tube numbers
              Use two managers, and give consumers five minutes per task:
                beanrow-producer --managers host1,host2 --tube mail --ttr 300 < mail.txt
              Put each line once, even if the command is repeated after a failure:
                beanrow-producer --tube mail --unique import-7 < mail.txt
              Generate 50000 tasks of 1000 bytes:
                beanrow-producer --tube load --count 50000 --size 1000
            """,
        version: Version.current
    )

    @OptionGroup var managers: ManagerOptions

    @Option(help: "The tube of the tasks.")
    var tube = TubeName.default

    @Option(help: "The priority of the tasks, from 0 (most urgent) to 4294967295.")
    var priority = BeanrowClient.defaultPriority

    @Option(
        help: ArgumentHelp(
            "The time before a consumer can get the tasks, from 0 to 4294967295 seconds.",
            valueName: "seconds"
        )
    )
    var delay: UInt32 = 0

    @Option(
        help: ArgumentHelp(
            "The time to run: how long a consumer may hold a task, from 1 to 4294967295 seconds.",
            valueName: "seconds"
        )
    )
    var ttr = BeanrowClient.defaultTimeToRun

    @Option(
        help: ArgumentHelp(
            "Generate this number of tasks, 1 or more, instead of reading lines. Each body starts with its number.",
            valueName: "n"
        )
    )
    var count: Int?

    @Option(
        help: ArgumentHelp(
            "Fill generated bodies up to this size. It must have room for the number. (default: only the number)",
            valueName: "bytes"
        )
    )
    var size: Int?

    @Option(
        help: ArgumentHelp(
            "Give the lines the keys NAME/1, NAME/2 and so on, so that a repeated command puts no line twice.",
            discussion: """
                A line counts as put, and is not put again, if its task is in the tube, or was deleted less than the \
                managers' --unique-retention ago. This holds even if the line is different now. After a failure, \
                repeat the command with the same input.
                """,
            valueName: "name"
        )
    )
    var unique: KeyPrefix?

    @Flag(
        inversion: .prefixedNo,
        help: ArgumentHelp(
            "Give each line its own key, so that it can be put again, and becomes one task, if its answer is lost.",
            discussion: "Without keys the managers have less work, and lines whose answers are lost count as unknown."
        )
    )
    var keys = true

    @Flag(
        help: ArgumentHelp(
            "Print one line per task, in the order of the input: the id of the task.",
            discussion: """
                A line without an id gets one of these words: "unknown" if it may have been put, "refused" if the \
                manager does not accept it, "failed" if it was not put.
                """
        )
    )
    var printIds = false

    static func main() async {
        await CommandStart.run(ProducerCommand.self)
    }

    func validate() throws {
        if let count, count < 1 { throw ValidationError("--count must be 1 or more") }
        if unique != nil, !keys { throw ValidationError("--unique and --no-keys cannot be used together") }
        if ttr < 1 { throw ValidationError("--ttr must be 1 or more") }
        if let size {
            guard let count else { throw ValidationError("--size needs --count") }
            if size < String(count).count {
                throw ValidationError("--size must have room for the number: \(String(count).count) or more")
            }
        }
    }

    func run() async throws {
        let client = try managers.makeClient(selection: .sticky, putsWithKeys: keys)
        let isComplete = await put(with: client)
        await client.close()
        if !isComplete { throw ExitCode.failure }
    }

    private func put(with client: BeanrowClient) async -> Bool {
        let longest: Int
        do throws(ClientError) {
            longest = try await Self.longestBody(client)
        } catch {
            await Self.report("\(error)")
            return false
        }
        let source =
            if let count { TaskSource.generated(count: count, size: size) } else {
                TaskSource.lines(of: STDIN_FILENO, longest: longest)
            }
        let template = Producer.Template(
            tube: tube,
            priority: priority,
            delay: delay,
            timeToRun: ttr,
            keyPrefix: unique
        )
        let producer = Producer(
            client: client,
            source: source,
            template: template,
            ids: printIds ? .standardOutput : nil
        )
        let signals = ShutdownSignals()
        let start = ContinuousClock.now
        let summary = await signals.watch {
            await Progress()
                .show({ "\(Formatting.count(producer.putCount, "task")) put" }) {
                    await producer.run(until: signals)
                }
        }
        for line in summary.lines(after: ContinuousClock.now - start) {
            await Self.report(line)
        }
        return summary.isComplete
    }

    /// Returns the size of the largest body that the manager accepts, or of the largest body of all if it does not say.
    ///
    /// A manager with tokens says it only to clients that may look at all tubes. It then refuses a body that is too
    /// large when it comes.
    private static func longestBody(_ client: BeanrowClient) async throws(ClientError) -> Int {
        do {
            return try await client.statistics().number("max-job-size") ?? Int(UInt32.max)
        } catch  where error.code == .forbidden {
            return Int(UInt32.max)
        }
    }

    private static func report(_ line: String) async {
        await OutputFile.standardError.write("beanrow-producer: \(line)\n")
    }
}
