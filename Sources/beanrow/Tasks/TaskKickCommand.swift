internal import ArgumentParser
internal import BeanrowClient
internal import ClientCommandSupport

/// Carries out `beanrow task kick`.
struct TaskKickCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kick",
        abstract: "Make buried or delayed tasks pending.",
        discussion: """
            EXAMPLES
              beanrow task kick 17 18
            """
    )

    @OptionGroup var managers: ManagerOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var tasks: TaskIDArguments

    func run() async throws {
        try await managers.withClient { client in
            try await tasks.forEach(output.printer, done: "pending") { id in
                try await client.kick(id) ? nil : "not found, or neither buried nor delayed"
            }
        }
    }
}
