internal import ArgumentParser
internal import JSONText
internal import StoreMaintenance

/// Carries out `beanrow doctor`.
struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Examine a database: structure, checksums, counts, log, permissions, and what else may be wrong.",
        discussion: """
            It opens the database itself and changes nothing. Managers may run. It reads the whole file. Each finding says \
            what to do. The exit status is 0 if nothing is wrong, 3 if there are warnings only, and 1 otherwise.

            With --repair, and while no manager runs, it sets the counts of the tubes to the numbers of their tasks.

            EXAMPLES
              Examine a file:
                beanrow doctor --database tasks.db
              Examine a PostgreSQL server, for a script:
                beanrow doctor --database postgres://db.example/queue --json
            """
    )

    @OptionGroup var database: DatabaseOption

    @Flag(help: "Correct the counts.")
    var repair = false

    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await Reporting.run {
            let doctor = Doctor(of: database.location)
            if repair {
                let wrong = try await Reporting.onOwnThread { try doctor.repairCounts() }
                await Printer.say(
                    wrong.isEmpty
                        ? "the counts were right" : "corrected the counts of \(wrong.count) tubes, such as \(wrong[0])"
                )
            }
            let findings = try await Reporting.onOwnThread { try doctor.examine() }
            let table = Table(
                name: "findings",
                columns: [.init("level"), .init("check"), .init("message"), .init("advice", hidden: true)],
                rows: findings.map {
                    [.text($0.level.rawValue), .text($0.check), .text($0.message), .optional($0.advice)]
                }
            )
            try await show(findings, table)
            let worst = findings.map(\.level)
            if worst.contains(.error) { throw ExitCode.failure }
            if worst.contains(.warning) { throw Reporting.partlyDone }
        }
    }

    /// Writes each finding, followed by its advice.
    ///
    /// A line may be long, and is not cut.
    private func show(_ findings: [Finding], _ table: Table) async throws {
        let printer = output.printer
        guard case .table = printer.format else { return try await printer.print(table, ifEmpty: "") }
        var lines: [String] = []
        for (line, finding) in zip(table.lines().dropFirst(), findings) {
            lines.append(line)
            if let advice = finding.advice { lines.append("         -> " + Terminal.visible(advice)) }
        }
        try await Printer.write(lines.map { $0 + "\n" }.joined())
    }
}
