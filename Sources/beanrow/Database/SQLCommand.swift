internal import ArgumentParser
internal import CommandLineSupport
internal import Foundation
internal import StoreMaintenance

/// Carries out `beanrow sql`.
struct SQLCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sql",
        abstract: "Open the database's shell (sqlite3 or psql), or run SQL, in a way that is safe while managers run.",
        discussion: """
            It opens the database itself, for reading only unless --write is given. docs/sql.md explains the tables and has \
            the most useful queries. To look at: tube_overview, task_overview, claim_overview, oldest_pending, \
            manager_overview, session_overview. To change tasks with --write: the view "task"; the counts of tubes follow.

            With --write, keep transactions short, since managers wait for them. Delete or update large numbers in steps. \
            Run no VACUUM and no checkpoint, and leave journal_mode and wal_autocheckpoint as they are.

            EXAMPLES
              Show the tubes:
                beanrow sql 'SELECT * FROM tube_overview'
              Run a file:
                beanrow sql --database tasks.db < report.sql
              Make the buried tasks of a tube pending:
                beanrow sql --write "UPDATE task SET state = 'pending' WHERE tube = 'mail' AND state = 'buried'"
            """
    )

    @OptionGroup var database: DatabaseOption

    @Flag(help: "Allow changes.")
    var write = false

    @Argument(
        parsing: .remaining,
        help: "Statements, and commands of the shell. Without them, the shell reads its input."
    )
    var statements: [String] = []

    func run() async throws {
        try await Reporting.run {
            switch database.location {
            case .file(let path): try await openFile(path)
            case .server(let address): try await openServer(address)
            }
        }
    }

    private func openFile(_ path: String) async throws {
        let write = write
        try await Reporting.onOwnThread {
            try MaintenanceDatabase.check(path)
            if write { try MaintenanceDatabase.checkWritable(path) }
        }
        await explain()
        // A shell of a name that begins with a hyphen would be a flag.
        let file = path.hasPrefix("/") ? path : "./\(path)"
        var words = ["sqlite3", "-bail", "-box", "-cmd", ".timeout 10000"]
        // Managers run checkpoints under a lock of their own. A checkpoint of another program could lose commits (SQLite
        // before 3.51.3).
        words +=
            write
            ? ["-cmd", ".output /dev/null", "-cmd", "PRAGMA wal_autocheckpoint = 0;", "-cmd", ".output"] : ["-readonly"]
        try replace(with: words + [file] + statements, package: "sqlite3")
    }

    private func openServer(_ address: String) async throws {
        await explain()
        let options = "-c search_path=beanrow,public" + (write ? "" : " -c default_transaction_read_only=on")
        setenv("PGOPTIONS", options, 1)
        let commands = statements.flatMap { ["-c", $0] }
        try replace(
            with: ["psql", "-X", "-v", "ON_ERROR_STOP=1", "-d", address] + commands,
            package: "postgresql-client"
        )
    }

    private func explain() async {
        guard statements.isEmpty else { return }
        if isatty(STDIN_FILENO) == 1 {
            await Printer.say(
                "look at tube_overview, task_overview, claim_overview, oldest_pending, manager_overview, session_overview"
            )
        }
        guard write else { return }
        await Printer.say(
            "change tasks through the view \"task\"; keep transactions short; run no VACUUM, no checkpoint"
        )
    }

    /// Replaces this process, so that the shell gets the terminal and its signals.
    private func replace(with words: [String], package: String) throws {
        // The command ignores SIGPIPE, and the shell would inherit that.
        signal(SIGPIPE, SIG_DFL)
        signal(SIGXFSZ, SIG_DFL)
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) }
        arguments.append(nil)
        execvp(words[0], arguments)
        let reason =
            errno == ENOENT ? "is missing; on Debian and Ubuntu: apt-get install \(package)" : "cannot be started"
        throw Failure("\(words[0]) \(reason)")
    }
}
