internal import ArgumentParser
internal import BeanrowClient
internal import ClientCommandSupport

/// Carries out `beanrow task bury`.
struct TaskBuryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bury",
        abstract: "Set tasks aside that no session claims, until they are kicked.",
        discussion: """
            It claims each task for a moment, which counts as a reserve.

            EXAMPLES
              beanrow task bury 17
            """
    )

    @OptionGroup var managers: ManagerOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var tasks: TaskIDArguments

    func run() async throws {
        try await managers.withClient { client in
            try await tasks.forEach(output.printer, done: "buried") { id in
                guard let claim = try await client.reserve(id) else { return "not found, or claimed" }
                let priority = try await claim.statistics().number("pri").map { UInt32(clamping: $0) }
                try await claim.bury(priority: priority ?? BeanrowClient.defaultPriority)
                return nil
            }
        }
    }
}
