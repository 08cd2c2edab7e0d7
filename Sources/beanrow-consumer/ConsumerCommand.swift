internal import ArgumentParser
internal import BeanrowClient
internal import ClientCommandSupport
internal import CommandLineSupport

/// Takes tasks out of the queue.
@main
struct ConsumerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "beanrow-consumer",
        abstract: "Take tasks out of the queue, and print them or run a command for each.",
        usage: """
            beanrow-consumer [--managers <host:port,...>] [--tube <tube>]... [<options>]
            beanrow-consumer [--managers <host:port,...>] [--tube <tube>]... [<options>] -- COMMAND [ARGS...]
            """,
        discussion: """
            Without COMMAND each body is printed as a line and its task deleted. A body is written out before its task is \
            deleted, so nothing is lost; where the claim is lost in between, a body is printed again by whoever takes it \
            next.

            With COMMAND it is run for each task, without a shell, the body on its standard input and BEANROW_TASK_ID, \
            BEANROW_TUBE and BEANROW_ATTEMPT in its environment. Its output is not touched. While it runs the task's time \
            to run is renewed. Exit status 0 deletes the task. Any other releases it with a delay: --retry-delay seconds \
            after the first attempt, twice as long after each further one, \(RetryRule.longestDelay) at the most; \
            attempts of all consumers count. After --max-attempts it is buried.

            SIGINT or SIGTERM: takes no more, finishes what is in hand, ends. A second one ends the commands and gives \
            their tasks back.

            The exit status is 0 if all that was asked is done, 64 if the command line is wrong, else 1. With --count or \
            --until-empty that means that every task that was taken was printed or run with success and deleted, if not \
            at the first attempt then at a later one.

            EXAMPLES
              beanrow-consumer --tube numbers --until-empty | sort -n | tail -1
              beanrow-consumer --tube mail --concurrency 8 -- ./send-mail
              beanrow-consumer --tube a --tube b -- sh -c 'read line; echo "$BEANROW_TASK_ID: $line"'
            """,
        version: Version.current
    )

    /// What can be asked for as the way to pick a manager.
    enum Pick: String, ExpressibleByArgument, CaseIterable {
        case roundRobin = "round-robin"
        case random
    }

    @OptionGroup var managers: ManagerOptions

    @Option(name: .customLong("tube"), help: "A tube to take from; can be given several times. (default: default)")
    var tubes: [TubeName] = []

    @Option(help: "How a manager is picked for each task.")
    var pick = Pick.roundRobin

    @Option(
        help: ArgumentHelp(
            "Tasks to have in hand at a time. (default: 1 with COMMAND, else 256)",
            valueName: "n"
        )
    )
    var concurrency: Int?

    @Option(help: ArgumentHelp("Take exactly this many tasks, then end.", valueName: "n"))
    var count: Int?

    @Flag(
        help: ArgumentHelp(
            "End when there is nothing more to take.",
            discussion: """
                That is: no tube has a pending task, nothing is in hand, no task that this consumer released still waits \
                for its next attempt, and none whose claim it lost may still come back. Other delayed tasks, buried ones, those in a paused tube and those that other \
                consumers hold are not waited for.
                """
        )
    )
    var untilEmpty = false

    @Option(help: ArgumentHelp("Attempts after which a failed task is buried.", valueName: "n"))
    var maxAttempts = 10

    @Option(help: ArgumentHelp("Seconds before a failed task's second attempt.", valueName: "seconds"))
    var retryDelay: UInt32 = 1

    @Argument(parsing: .postTerminator, help: ArgumentHelp("The command, after --.", valueName: "command"))
    var command: [String] = []

    static func main() async {
        await CommandStart.run(ConsumerCommand.self)
    }

    func validate() throws {
        if let count, count < 1 { throw ValidationError("--count has to be 1 or more.") }
        if count != nil && untilEmpty { throw ValidationError("--count and --until-empty exclude each other.") }
        if let concurrency, !(1...10_000).contains(concurrency) {
            throw ValidationError("--concurrency has to be between 1 and 10000.")
        }
        if maxAttempts < 1 { throw ValidationError("--max-attempts has to be 1 or more.") }
        if command.first == "" { throw ValidationError("The command is empty.") }
    }

    func run() async throws {
        let client = managers.makeClient(pick: pick == .random ? .random : .roundRobin)
        let isComplete = await consume(with: client)
        await client.close()
        if !isComplete { throw ExitCode.failure }
    }

    private var goal: TakingPlan.Goal {
        count.map { .count($0) } ?? (untilEmpty ? .untilEmpty : .none)
    }

    private func consume(with client: BeanrowClient) async -> Bool {
        let start = ContinuousClock.now
        let now: @Sendable () -> Duration = { ContinuousClock.now - start }
        let interruption = Interruption()
        let plan = TakingPlan(goal: goal, stop: interruption.stop)
        let tally = ConsumerTally()
        let tubes = tubes.isEmpty ? [.default] : Set(tubes)
        let taker = Taker(client: client, tubes: tubes, plan: plan, now: now)

        let work: @Sendable () async -> Void
        if command.isEmpty {
            let run = PrintingRun(
                concurrency: concurrency ?? 256,
                output: .standardOutput,
                client: client,
                plan: plan,
                tally: tally,
                now: now
            )
            work = { await run.run(taker) }
        } else {
            guard let command = await found() else { return false }
            let run = CommandRun(
                concurrency: concurrency ?? 1,
                command: command,
                retry: RetryRule(firstDelay: retryDelay, maximumAttempts: maxAttempts),
                plan: plan,
                tally: tally,
                now: now,
                say: Self.say
            )
            work = { await run.run(taker) }
        }

        await interruption.watch {
            await Progress()
                .show({ "\(Wording.count(tally.done, "task")) done" }) {
                    await interruption.cancelAtOnce(work)
                }
        }
        for line in tally.summary(after: now()) {
            await Self.say(line)
        }
        return isComplete(tally, wasEmpty: await plan.wasEmpty)
    }

    private func isComplete(_ tally: ConsumerTally, wasEmpty: Bool) -> Bool {
        guard tally.failure == nil else { return false }
        switch goal {
        case .none: return true
        case .count(let count): return tally.taken == count && tally.isAllDone
        case .untilEmpty: return wasEmpty && tally.isAllDone
        }
    }

    private func found() async -> TaskCommand? {
        do {
            return try await TaskCommand(command)
        } catch {
            await Self.say("cannot run \(command[0]): \(error)")
            return nil
        }
    }

    @Sendable
    private static func say(_ line: String) async {
        await OutputFile.standardError.write("beanrow-consumer: \(line)\n")
    }
}
