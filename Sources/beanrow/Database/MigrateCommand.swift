internal import ArgumentParser
internal import JSONText
internal import StoreMaintenance

/// Carries out `beanrow migrate`.
struct MigrateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "migrate",
        abstract: "Bring the tables of a database to the version of this program.",
        discussion: """
            It opens the database itself. A manager does the same when it starts. Managers of the version before may \
            continue to run.

            EXAMPLES
              Say which version a database has:
                beanrow migrate status --database tasks.db
              Read the SQL, try it, run it:
                beanrow migrate --show-sql
                beanrow migrate --dry-run
                beanrow migrate
            """
    )

    /// What to do.
    enum Action: String, ExpressibleByArgument, CaseIterable, Sendable {
        case run
        case status
    }

    @Argument(help: "status: only say which version the database has.")
    var action = Action.run

    @OptionGroup var database: DatabaseOption

    @Flag(help: "Run the steps and undo them.")
    var dryRun = false

    @Flag(name: .customLong("show-sql"), help: "Print the SQL of the missing steps, and run nothing.")
    var showsSQL = false

    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await Reporting.run {
            let migration = Migration(of: database.location)
            let status = try await Reporting.onOwnThread { try migration.status() }
            if action == .status { return try await report(status, "") }
            guard let found = status.found else {
                throw Failure("the database has no tables: a manager makes them when it starts")
            }
            guard found <= status.wanted else {
                throw Failure(
                    "the database has schema version \(found), which is newer than this program: use a newer one"
                )
            }
            if showsSQL { return try await Printer.write(Reporting.onOwnThread { try migration.sql() }) }
            guard found < status.wanted else { return try await report(status, "nothing to do: ") }
            if dryRun {
                try await Reporting.onOwnThread { try migration.rehearse() }
                return try await report(status, "the steps work, and were undone: ")
            }
            try await Reporting.onOwnThread { try migration.run() }
            try await report(Reporting.onOwnThread { try migration.status() }, "migrated from version \(found): ")
        }
    }

    private func report(_ status: Migration.Status, _ what: String) async throws {
        let found = status.found.map { "schema version \($0)" } ?? "no tables"
        try await output.printer.print(
            .object(
                ("version", .integer(1)),
                ("schema_version", .optional(status.found)),
                ("wanted_schema_version", .integer(status.wanted))
            ),
            ["\(what)\(found); this program uses \(status.wanted)"]
        )
    }
}
