internal import ArgumentParser
internal import BeanrowClient
internal import ClientCommandSupport
internal import TaskStore

/// Carries out `beanrow tube list`.
struct TubeListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the tubes with their tasks by state.",
        discussion: """
            EXAMPLES
              beanrow tube list
              beanrow tube list --with buried
              beanrow tube list --jsonl | jq -r 'select(.pending > 1000).name'
            """
    )

    @OptionGroup var managers: ManagerOptions

    @Option(help: ArgumentHelp("Only tubes that have tasks in this state.", valueName: "state"))
    var with: TaskState?

    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await managers.withClient { client in
            var rows: [[Cell]] = []
            for name in try await client.tubes().sorted() {
                // A tube that has gone since then is left out.
                guard let statistics = try await client.statistics(of: name) else { continue }
                let tube = TubeSummary(name, statistics)
                if let with, tube.count(with) == 0 { continue }
                rows.append(tube.row)
            }
            let table = Table(name: "tubes", columns: TubeSummary.columns, rows: rows)
            try await output.printer.print(table, ifEmpty: "there is no such tube")
        }
    }
}
