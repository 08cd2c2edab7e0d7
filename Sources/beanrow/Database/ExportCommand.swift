internal import ArgumentParser
internal import Foundation
internal import StoreMaintenance

/// Carries out `beanrow export`.
struct ExportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Write all tasks of a database as JSON lines, from one snapshot.",
        discussion: """
            It opens the database itself. Managers may run. Ids, states, delays, counters, keys and bodies are in the \
            output; a claimed task is pending in it. docs/json.md describes the lines. A file has the mode 0600.

            EXAMPLES
              Move a queue from a file to a PostgreSQL server, while no manager runs:
                beanrow export --database tasks.db tasks.jsonl
                beanrow import --database postgres://db.example/queue tasks.jsonl
              Count the tasks per tube:
                beanrow export - | jq -r 'select(.kind == "task").tube' | sort | uniq -c
            """
    )

    @OptionGroup var database: DatabaseOption

    @Option(help: ArgumentHelp("The managers' --max-log-size, from 16 to 1048576 MiB.", valueName: "mebibytes"))
    var maxLogSize = 1024

    @Argument(help: "A new file, or - for standard output.")
    var destination: String

    func validate() throws {
        guard (16...1 << 20).contains(maxLogSize) else {
            throw ValidationError("--max-log-size must be from 16 to 1048576")
        }
    }

    func run() async throws {
        try await Reporting.run {
            let (location, destination, limit) = (database.location, destination, Int64(maxLogSize) << 19)
            let result = try await Reporting.onOwnThread {
                let line = ProgressLine()
                let export = Export(of: location, logLimit: limit) { tasks in line.show { "\(tasks) tasks" } }
                return destination == "-"
                    ? try export.run(to: STDOUT_FILENO, named: "standard output") : try export.run(to: destination)
            }
            await Printer.say("exported \(result.tasks) tasks in \(result.tubes) tubes, and \(result.keys) keys")
        }
    }
}
