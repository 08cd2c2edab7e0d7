internal import ArgumentParser
internal import BeanrowClient
internal import ClientCommandSupport

/// Carries out `beanrow task delete`.
struct TaskDeleteCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete",
        abstract: "Delete tasks that no session claims.",
        discussion: """
            EXAMPLES
              beanrow task delete 17 18
              beanrow task delete --dry-run 17
            """
    )

    @OptionGroup var managers: ManagerOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var confirmation: Confirmation
    @OptionGroup var tasks: TaskIDArguments

    func run() async throws {
        try await managers.withClient { client in
            if confirmation.dryRun {
                return try await tasks.forEach(output.printer, done: "would be deleted") { id in
                    guard let task = try await client.statistics(of: id) else { return "not found" }
                    return task["state"] == "reserved" ? "claimed" : nil
                }
            }
            try await confirmation.ask(
                "delete \(tasks.ids.count == 1 ? "task \(tasks.ids[0])" : "\(tasks.ids.count) tasks")"
            )
            try await tasks.forEach(output.printer, done: "deleted") { id in
                try await client.delete(id) ? nil : "not found, or claimed"
            }
        }
    }
}
