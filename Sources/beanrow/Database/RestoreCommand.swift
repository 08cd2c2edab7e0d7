internal import ArgumentParser
internal import JSONText
internal import StoreMaintenance

/// Carries out `beanrow restore`.
struct RestoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore",
        abstract: "Put a backup in the place of an SQLite database. All managers must be stopped.",
        discussion: """
            It opens the database itself. The backup is verified first. The old files are moved aside and never deleted. \
            Claims become pending. Ids of new tasks are larger than all that the old database and the backup have issued.

            Tasks that were finished after the backup began are in it, and run again. With --paused no consumer gets a task \
            until you resume the tubes.

            EXAMPLES
              Restore, look, then let consumers go on:
                beanrow restore /backup/tasks-friday.db --database tasks.db --paused
                beanrow up --database tasks.db
                beanrow tube resume --all
            """
    )

    @OptionGroup var database: DatabaseOption

    @Flag(help: "Pause all tubes.")
    var paused = false

    @OptionGroup var output: OutputOptions

    @Argument(help: "The backup.")
    var backup: String

    func run() async throws {
        try await Reporting.run {
            let path = try database.file(instead: "use pg_restore or pgBackRest")
            let restore = Restore(backup, to: path, pauses: paused)
            let result = try await Reporting.onOwnThread { try restore.run() }
            if result.isFloorGuessed {
                await Printer.say(
                    "the counter of the old database could not be read: new ids begin \(Restore.distance) after the backup's"
                )
            }
            await Printer.say("tasks that were finished since the backup run again")
            try await output.printer.print(
                .object(
                    ("version", .integer(1)),
                    ("database", .string(path)),
                    ("tasks", .integer(result.contents.tasks)),
                    ("tubes", .integer(result.contents.tubes)),
                    ("returned_claims", .integer(result.returnedClaims)),
                    ("paused_tubes", .integer(result.pausedTubes)),
                    ("first_new_id", .integer(result.floor + 1)),
                    ("first_new_id_guessed", .bool(result.isFloorGuessed)),
                    ("moved_aside", .array(result.movedAside.map { .string($0) }))
                ),
                [
                    "restored \(result.contents.tasks) tasks in \(result.contents.tubes) tubes; "
                        + "\(result.returnedClaims) claims are pending again; new ids begin at \(result.floor + 1)"
                ] + (result.pausedTubes > 0 ? ["\(result.pausedTubes) tubes are paused"] : [])
                    + result.movedAside.map { "the old file is now \(Terminal.visible($0))" }
            )
        }
    }
}
