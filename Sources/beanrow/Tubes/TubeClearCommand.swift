internal import ArgumentParser
internal import BeanrowClient
internal import ClientCommandSupport
internal import JSONText
internal import TaskStore

/// Carries out `beanrow tube clear`.
struct TubeClearCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "clear",
        abstract: "Delete all tasks of a tube that are in one state.",
        discussion: """
            The manager deletes in steps. If it is stopped, repeat it.

            EXAMPLES
              beanrow tube clear mail --state buried --dry-run
              beanrow tube clear mail --state buried --yes
            """
    )

    @OptionGroup var managers: ManagerOptions

    @Option(help: "The state of the tasks: pending, delayed or buried.")
    var state: TaskState

    @OptionGroup var confirmation: Confirmation
    @OptionGroup var output: OutputOptions

    @Argument(help: "The tube.")
    var tube: TubeName

    func validate() throws {
        guard state != .claimed else { throw ValidationError("claimed tasks cannot be cleared") }
    }

    func run() async throws {
        try await managers.withClient { client in
            guard let statistics = try await client.statistics(of: tube) else {
                throw Failure("there is no tube \(tube)")
            }
            let found = TubeSummary(tube, statistics).count(state)
            if confirmation.dryRun { return try await report("would_be_deleted", found, "would be deleted") }
            try await confirmation.ask("delete \(found) \(state.rawValue) tasks of \(tube)")
            try await report("deleted", client.clearTube(tube, state) ?? 0, "deleted")
        }
    }

    private func report(_ name: String, _ count: Int, _ words: String) async throws {
        try await output.printer.print(
            .object(("version", .integer(1)), ("tube", .string(tube.text)), (name, .integer(Int64(count)))),
            ["\(count) \(state.rawValue) tasks of \(tube) \(words)"]
        )
    }
}
