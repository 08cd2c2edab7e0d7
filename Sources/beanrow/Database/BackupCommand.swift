internal import ArgumentParser
internal import JSONText
internal import StoreMaintenance

/// Carries out `beanrow backup`.
struct BackupCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup",
        abstract: "Copy an SQLite database to a file, while managers use it.",
        discussion: """
            It opens the database itself. The copy is one snapshot with everything that was acknowledged before it began. \
            It has the mode 0600, it is verified and synced before it gets its name, and it needs no other file. One line \
            of JSON on standard output says what was copied.

            While it reads, managers cannot empty the log. It gives up if the log reaches half of --max-log-size. Use the \
            managers' value there.

            For a PostgreSQL server use pg_dump, pgBackRest or a standby.

            EXAMPLES
              Copy to a new file:
                beanrow backup --database tasks.db /backup/tasks-friday.db
              Copy into a directory every night, and keep the newest seven:
                beanrow backup --database tasks.db /backup --keep 7
            """
    )

    @OptionGroup var database: DatabaseOption

    @Option(help: ArgumentHelp("Keep this number of backups in the directory, 1 or more.", valueName: "count"))
    var keep: Int?

    @Option(help: ArgumentHelp("The managers' --max-log-size, from 16 to 1048576 MiB.", valueName: "mebibytes"))
    var maxLogSize = 1024

    @Argument(help: "A new file, or an existing directory.")
    var destination: String

    func validate() throws {
        guard keep ?? 1 >= 1 else { throw ValidationError("--keep must be 1 or more") }
        guard (16...1 << 20).contains(maxLogSize) else {
            throw ValidationError("--max-log-size must be from 16 to 1048576")
        }
    }

    func run() async throws {
        try await Reporting.run {
            let path = try database.file(instead: "use pg_dump, pgBackRest or a standby")
            let (destination, keep, limit) = (destination, keep, Int64(maxLogSize) << 19)
            let result = try await Reporting.onOwnThread {
                var backup = Backup(of: path, to: destination, keep: keep, logLimit: limit)
                backup.progress = ProgressLine().show
                return try backup.run()
            }
            try await Printer.write(result.json.line + "\n")
        }
    }
}
