internal import ArgumentParser
internal import BeanrowClient
internal import ClientCommandSupport
internal import JSONText
internal import TaskStore

/// Carries out `beanrow tube show`.
struct TubeShowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show one tube.",
        discussion: """
            EXAMPLES
              beanrow tube show mail
            """
    )

    @OptionGroup var managers: ManagerOptions
    @OptionGroup var output: OutputOptions

    @Argument(help: "The tube.")
    var tube: TubeName

    func run() async throws {
        try await managers.withClient { client in
            guard let statistics = try await client.statistics(of: tube) else {
                throw Failure("there is no tube \(tube)")
            }
            let row = TubeSummary(tube, statistics).row
            let fields = zip(TubeSummary.columns, row)
            let width = TubeSummary.columns.map(\.name.count).max() ?? 0
            try await output.printer.print(
                .object([JSON.Member("version", .integer(1))] + fields.map { JSON.Member($0.name, $1.json) }),
                fields.map { $0.name + String(repeating: " ", count: width + 2 - $0.name.count) + $1.shown }
            )
        }
    }
}
