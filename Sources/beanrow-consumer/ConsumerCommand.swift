internal import ArgumentParser
internal import BeanrowClient
internal import ClientCommandSupport
internal import CommandLineSupport

/// `beanrow-consumer`: prints tasks, or runs a command for each.
@main
struct ConsumerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "beanrow-consumer",
        abstract: "Fetch tasks from the queue, and print them or run a command for each.",
        usage: """
            beanrow-consumer [--managers <host:port,...>] [--tube <tube>]... [<options>]
            beanrow-consumer [--managers <host:port,...>] [--tube <tube>]... [<options>] -- COMMAND [ARGS...]
            """,
        discussion: """
            Without COMMAND, each body is printed as one line and its task is deleted. A body is printed before its \
            task is deleted, so no task is lost. If the claim is lost between the two, the next consumer prints the \
            body again.

            With COMMAND, the command runs for each task, without a shell. It reads the body from its standard input. \
            BEANROW_TASK_ID, BEANROW_TUBE and BEANROW_ATTEMPT are in its environment. Its output is not changed. The \
            task's time to run is extended while the command runs. If the exit status is 0, the task is deleted. \
            Otherwise it is released with a delay: --retry-delay seconds after the first attempt, and twice as long \
            after each further attempt, up to \(RetryPolicy.longestDelay) seconds. The attempts of all consumers \
            count. After --max-attempts the task is buried.

            After SIGINT or SIGTERM it fetches no more tasks, finishes the tasks that it has, and exits. A second \
            signal ends the commands and releases their tasks.

            The exit status is 0 if everything was done, 64 if the command line is wrong, and 1 otherwise. With \
            --count or --until-empty, everything was done if each fetched task was printed or its command succeeded, \
            at the first attempt or a later one.

            EXAMPLES
              Print all numbers of a tube, and show the largest one:
                beanrow-consumer --tube numbers --until-empty | sort -n | tail -1
              Run a program for each task, eight at the same time, until stopped:
                beanrow-consumer --tube mail --concurrency 8 -- ./send-mail
              Use a shell, and fetch from two tubes:
                beanrow-consumer --tube a --tube b -- sh -c 'read line; echo "$BEANROW_TASK_ID: $line"'
            """,
        version: Version.current
    )

    /// The values of `--pick`.
    enum Pick: String, ExpressibleByArgument, CaseIterable {
        case roundRobin = "round-robin"
        case random
    }

    @OptionGroup var managers: ManagerOptions

    @Option(name: .customLong("tube"), help: "A tube to fetch from. May be given several times. (default: default)")
    var tubes: [TubeName] = []

    @Option(help: "How the manager of each task is selected.")
    var pick = Pick.roundRobin

    @Option(
        help: ArgumentHelp(
            "The most tasks to claim at the same time, from 1 to 10000. (default: 1 with COMMAND, otherwise 256)",
            valueName: "n"
        )
    )
    var concurrency: Int?

    @Option(help: ArgumentHelp("Fetch this number of tasks, 1 or more, and exit. (default: no limit)", valueName: "n"))
    var count: Int?

    @Flag(
        help: ArgumentHelp(
            "Exit when there are no more tasks.",
            discussion: """
                Then no tube has a pending task, and this consumer has no task, none that waits for its next attempt, \
                and none whose claim was lost and that may come back. It does not wait for other delayed tasks, buried \
                tasks, tasks in paused tubes, and tasks that other consumers have.
                """
        )
    )
    var untilEmpty = false

    @Option(
        help: ArgumentHelp("The number of attempts, 1 or more, after which a failed task is buried.", valueName: "n")
    )
    var maxAttempts = 10

    @Option(
        help: ArgumentHelp(
            "The delay before the second attempt of a failed task. At most \(RetryPolicy.longestDelay) are used.",
            valueName: "seconds"
        )
    )
    var retryDelay: UInt32 = 1

    @Argument(
        parsing: .postTerminator,
        help: ArgumentHelp("The command and its arguments, after --.", valueName: "command")
    )
    var command: [String] = []

    static func main() async {
        await CommandStart.run(ConsumerCommand.self)
    }

    func validate() throws {
        if let count, count < 1 { throw ValidationError("--count must be 1 or more") }
        if count != nil && untilEmpty { throw ValidationError("--count and --until-empty cannot be used together") }
        if let concurrency, !(1...10_000).contains(concurrency) {
            throw ValidationError("--concurrency must be from 1 to 10000")
        }
        if maxAttempts < 1 { throw ValidationError("--max-attempts must be 1 or more") }
        if command.first == "" { throw ValidationError("the command is empty") }
    }

    func run() async throws {
        let client = try managers.makeClient(selection: pick == .random ? .random : .roundRobin)
        let isComplete = await consume(with: client)
        await client.close()
        if !isComplete { throw ExitCode.failure }
    }

    private var goal: FetchBudget.Goal {
        count.map { .count($0) } ?? (untilEmpty ? .untilEmpty : .none)
    }

    private func consume(with client: BeanrowClient) async -> Bool {
        let start = ContinuousClock.now
        let now: @Sendable () -> Duration = { ContinuousClock.now - start }
        let signals = ShutdownSignals()
        let budget = FetchBudget(goal: goal, stop: signals.stop)
        let summary = ConsumerSummary()
        let tubes = tubes.isEmpty ? [.default] : Set(tubes)
        let fetcher = Fetcher(client: client, tubes: tubes, budget: budget, now: now)

        let work: @Sendable () async -> Void
        if command.isEmpty {
            let printer = TaskPrinter(
                concurrency: concurrency ?? 256,
                output: .standardOutput,
                client: client,
                budget: budget,
                summary: summary,
                now: now
            )
            work = { await printer.run(fetcher) }
        } else {
            guard let command = await findCommand() else { return false }
            let runner = CommandRunner(
                concurrency: concurrency ?? 1,
                command: command,
                retry: RetryPolicy(firstDelay: retryDelay, maximumAttempts: maxAttempts),
                budget: budget,
                summary: summary,
                now: now,
                report: Self.report
            )
            work = { await runner.run(fetcher) }
        }

        await signals.watch {
            await Progress()
                .show({ "\(Formatting.count(summary.done, "task")) done" }) {
                    await signals.cancelAtOnce(work)
                }
        }
        for line in summary.lines(after: now()) {
            await Self.report(line)
        }
        return isComplete(summary, wasEmpty: await budget.wasEmpty)
    }

    private func isComplete(_ summary: ConsumerSummary, wasEmpty: Bool) -> Bool {
        guard summary.failure == nil else { return false }
        switch goal {
        case .none: return true
        case .count(let count): return summary.fetched == count && summary.isAllDone
        case .untilEmpty: return wasEmpty && summary.isAllDone
        }
    }

    private func findCommand() async -> TaskCommand? {
        do {
            return try await TaskCommand(command)
        } catch {
            await Self.report("cannot run \(command[0]): \(error)")
            return nil
        }
    }

    @Sendable
    private static func report(_ line: String) async {
        await OutputFile.standardError.write("beanrow-consumer: \(line)\n")
    }
}
