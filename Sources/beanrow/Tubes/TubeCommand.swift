internal import ArgumentParser

/// Carries out `beanrow tube`.
struct TubeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tube",
        abstract: "List, show, pause and empty tubes.",
        subcommands: [
            TubeListCommand.self, TubeShowCommand.self, TubePauseCommand.self, TubeResumeCommand.self,
            TubeClearCommand.self,
        ]
    )
}
