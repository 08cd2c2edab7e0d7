internal import ArgumentParser
internal import BeanrowClient
internal import ClientCommandSupport

/// Carries out `beanrow tube pause`.
struct TubePauseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause",
        abstract: "Keep consumers from getting tasks of tubes, for some time.",
        discussion: """
            Tasks can be put. Tasks that are claimed are not affected.

            EXAMPLES
              beanrow tube pause mail --for 1h
            """
    )

    @OptionGroup var managers: ManagerOptions

    @Option(name: .customLong("for"), help: ArgumentHelp("The length of the pause, 1s or longer.", valueName: "time"))
    var length = TimeSpan(seconds: 3600)

    @OptionGroup var output: OutputOptions
    @OptionGroup var tubes: TubeSelection

    func validate() throws {
        guard length.wholeSeconds >= 1 else {
            throw ValidationError("--for must be 1s or longer; tube resume ends a pause")
        }
    }

    func run() async throws {
        try await managers.withClient { client in
            let done = "paused for \(Cell.time(Double(length.wholeSeconds)))"
            try await tubes.forEach(client, output.printer, done: done) { tube in
                try await client.pause(tube, seconds: length.wholeSeconds)
            }
        }
    }
}
