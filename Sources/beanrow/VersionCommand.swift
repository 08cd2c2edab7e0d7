internal import ArgumentParser
internal import CommandLineSupport
internal import JSONText
internal import StoreMaintenance

/// Carries out `beanrow version`.
struct VersionCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "version",
        abstract: "Print the versions of this program, of its libraries and of the schemas that it knows.",
        discussion: """
            EXAMPLES
              beanrow version
              beanrow version --json
            """
    )

    @OptionGroup var output: OutputOptions

    func run() async throws {
        let versions = LibraryVersions.current
        try await output.printer.print(
            .object(
                ("version", .integer(1)),
                ("beanrow", .string(Version.current)),
                ("sqlite", .string(versions.sqlite)),
                ("libpq", .string(versions.libpq)),
                ("sqlite_schema_version", .integer(versions.sqliteSchema)),
                ("postgresql_schema_version", .integer(versions.postgresSchema))
            ),
            [
                "beanrow     \(Version.current)",
                "SQLite      \(versions.sqlite), schema \(versions.sqliteSchema)",
                "PostgreSQL  libpq \(versions.libpq), schema \(versions.postgresSchema)",
            ]
        )
    }
}
