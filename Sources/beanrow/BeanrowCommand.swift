internal import ArgumentParser
internal import CommandLineSupport

/// `beanrow`: the command for operators of a queue.
@main
struct BeanrowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "beanrow",
        abstract: "See, change, check and back up a queue.",
        discussion: """
            Most commands are clients of a manager: they work the same for a file and for a PostgreSQL server, from any \
            host. The managers are named with --managers or BEANROW_MANAGERS. The commands under "Database" open the \
            database itself.

            Data goes to standard output, everything else to standard error. With --json the data is one document, with \
            --jsonl one object per line (docs/json.md). The exit status is 0 if everything was done, 1 if it failed, 3 if a \
            part was done, and 64 if the command line is wrong.

            EXAMPLES
              Try it:
                beanrow up
              Show the tubes:
                beanrow tube list
              Back up:
                beanrow backup --database tasks.db /backup --keep 7
            """,
        version: Version.current,
        subcommands: [VersionCommand.self],
        groupedSubcommands: [
            CommandGroup(name: "Run", subcommands: [UpCommand.self]),
            CommandGroup(name: "See and change", subcommands: [TubeCommand.self, TaskCommand.self]),
            CommandGroup(
                name: "Database",
                subcommands: [
                    BackupCommand.self, RestoreCommand.self, ExportCommand.self, ImportCommand.self,
                    MigrateCommand.self,
                    DoctorCommand.self, SQLCommand.self,
                ]
            ),
        ]
    )

    static func main() async {
        await CommandStart.run(BeanrowCommand.self)
    }
}
