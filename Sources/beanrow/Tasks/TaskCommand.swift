internal import ArgumentParser

/// Carries out `beanrow task`.
struct TaskCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "task",
        abstract: "Put, show and change tasks.",
        subcommands: [
            TaskPutCommand.self, TaskShowCommand.self, TaskKickCommand.self, TaskBuryCommand.self,
            TaskDeleteCommand.self,
        ]
    )
}
