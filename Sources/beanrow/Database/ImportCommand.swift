internal import ArgumentParser
internal import StoreMaintenance

/// Carries out `beanrow import`.
struct ImportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Fill an empty database from an export. No manager may run on it.",
        discussion: """
            It opens the database itself, and creates it if it does not exist. It works in steps. If it is interrupted, run \
            it again with the same file: it continues after the last step. Until it is complete, managers refuse the \
            database.

            EXAMPLES
              Fill a PostgreSQL server:
                beanrow import --database postgres://db.example/queue tasks.jsonl
              Fill a new file:
                beanrow import --database tasks.db tasks.jsonl
            """
    )

    @OptionGroup var database: DatabaseOption

    @Argument(help: "A file that beanrow export has written, or - for standard input.")
    var source: String

    func run() async throws {
        try await Reporting.run {
            let (location, source) = (database.location, source)
            let result = try await Reporting.onOwnThread {
                let line = ProgressLine()
                return try Import(into: location) { lines in line.show { "\(lines) lines" } }.run(from: source)
            }
            if result.continuedAfter > 0 { await Printer.say("continued after \(result.continuedAfter) lines") }
            await Printer.say("imported \(result.tasks) tasks in \(result.tubes) tubes, and \(result.keys) keys")
        }
    }
}
