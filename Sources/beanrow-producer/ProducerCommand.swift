internal import ArgumentParser
internal import BeanrowClient
internal import ClientCommandSupport
internal import CommandLineSupport
internal import Foundation

/// Puts lines into the queue.
@main
struct ProducerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "beanrow-producer",
        abstract: "Put tasks into the queue: one a line of standard input, or generated ones.",
        usage: """
            beanrow-producer [--managers <host:port,...>] [--tube <tube>] [<options>] < FILE
            beanrow-producer [--managers <host:port,...>] [--tube <tube>] [<options>] --count <n> [--size <bytes>]
            """,
        discussion: """
            A line's bytes without the line feed are the task's body; an empty line is a task with an empty body, and a \
            last line needs no line feed. Tasks are safe on the manager's disk when they count as put.

            All lines go through one manager for as long as it works, and come in their order. When it dies another one \
            goes on. Lines whose answers were lost with a connection are put again under the key that each of them has, \
            so that they are there once. Only where no manager can be reached any more, with --no-keys, or with a server \
            that takes no keys, such lines are counted as unknown and named by number at the end.

            The exit status is 0 if every line was put, 64 if the command line is wrong, else 1.

            EXAMPLES
              seq 1 100000 | beanrow-producer --tube numbers
              beanrow-producer --managers 10.0.0.1:11300,10.0.0.1:11301 --tube mail --ttr 300 < addresses.txt
              beanrow-producer --tube load --count 50000 --size 1000
            """,
        version: Version.current
    )

    @OptionGroup var managers: ManagerOptions

    @Option(help: "The tube to put the tasks into.")
    var tube = TubeName.default

    @Option(help: "The tasks' priority; smaller is more urgent.")
    var priority = BeanrowClient.defaultPriority

    @Option(help: ArgumentHelp("Seconds before a consumer can have the tasks.", valueName: "seconds"))
    var delay: UInt32 = 0

    @Option(help: ArgumentHelp("Time to run: seconds that a consumer may hold a task.", valueName: "seconds"))
    var ttr = BeanrowClient.defaultTimeToRun

    @Option(
        help: ArgumentHelp("Put this many generated tasks instead; each body begins with its number.", valueName: "n")
    )
    var count: Int?

    @Option(help: ArgumentHelp("Fill generated bodies up to this size.", valueName: "bytes"))
    var size: Int?

    @Option(
        help: ArgumentHelp(
            "Call the lines NAME/1, NAME/2 and so on, so that none is put twice when the command is run again.",
            discussion: """
                A line whose task is still in the tube, or was deleted less than the managers' --unique-retention ago, \
                counts as put and is not put again, whatever it says now. After a failure run the same command again with \
                the same input.
                """,
            valueName: "name"
        )
    )
    var unique: KeyPrefix?

    @Flag(
        inversion: .prefixedNo,
        help: ArgumentHelp(
            "Put each line under a key of its own, so that it can be put again, and be there once, when its answer is lost.",
            discussion: "Without keys the managers have less to do, and lines whose answers are lost are unknown."
        )
    )
    var keys = true

    @Flag(
        help: ArgumentHelp(
            "Print each task's id, a line each, in the order of the input.",
            discussion: """
                A line that has none gets a word: "unknown" if it may have been put or not, "refused" if it is none that \
                the manager takes, "failed" if it was not put.
                """
        )
    )
    var printIds = false

    static func main() async {
        await CommandStart.run(ProducerCommand.self)
    }

    func validate() throws {
        if let count, count < 1 { throw ValidationError("--count has to be 1 or more.") }
        if unique != nil, !keys { throw ValidationError("--unique and --no-keys exclude each other.") }
        if ttr < 1 { throw ValidationError("--ttr has to be 1 or more.") }
        if let size {
            guard let count else { throw ValidationError("--size goes with --count.") }
            if size < String(count).count {
                throw ValidationError("--size has to leave room for the number: \(String(count).count) or more.")
            }
        }
    }

    func run() async throws {
        let client = managers.makeClient(pick: .stay, putsWithKeys: keys)
        let isComplete = await put(with: client)
        await client.close()
        if !isComplete { throw ExitCode.failure }
    }

    private func put(with client: BeanrowClient) async -> Bool {
        let longest: Int
        do throws(ClientError) {
            longest = try await client.statistics().number("max-job-size") ?? Int(UInt32.max)
        } catch {
            await Self.say("\(error)")
            return false
        }
        let source =
            if let count { TaskSource.generated(count: count, size: size) } else {
                TaskSource.lines(of: STDIN_FILENO, longest: longest)
            }
        let template = ProducerRun.Template(
            tube: tube,
            priority: priority,
            delay: delay,
            timeToRun: ttr,
            keyPrefix: unique
        )
        let run = ProducerRun(
            client: client,
            source: source,
            template: template,
            ids: printIds ? .standardOutput : nil
        )
        let interruption = Interruption()
        let start = ContinuousClock.now
        let tally = await interruption.watch {
            await Progress()
                .show({ "\(Wording.count(run.putCount, "task")) put" }) {
                    await run.run(until: interruption)
                }
        }
        for line in tally.summary(after: ContinuousClock.now - start) {
            await Self.say(line)
        }
        return tally.isComplete
    }

    private static func say(_ line: String) async {
        await OutputFile.standardError.write("beanrow-producer: \(line)\n")
    }
}
