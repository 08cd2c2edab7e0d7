internal import ArgumentParser
internal import BeanrowClient
internal import ClientCommandSupport

/// Carries out `beanrow tube resume`.
struct TubeResumeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume",
        abstract: "End the pause of tubes.",
        discussion: """
            EXAMPLES
              beanrow tube resume mail
              beanrow tube resume --all
            """
    )

    @OptionGroup var managers: ManagerOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var tubes: TubeSelection

    func run() async throws {
        try await managers.withClient { client in
            try await tubes.forEach(client, output.printer, done: "not paused") { tube in
                try await client.pause(tube, seconds: 0)
            }
        }
    }
}
