internal import ArgumentParser
internal import CommandLineSupport
internal import Foundation
internal import Subprocess
internal import TaskStore
internal import UnixSignals

/// Carries out `beanrow up`.
struct UpCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "up",
        abstract: "Start managers on one database and keep them running until Ctrl-C.",
        discussion: """
            It starts the managers, passes their logs on, and starts a manager again if it dies, after a delay that grows \
            from half a second to 30 seconds. When all accept connections, it prints their addresses on standard output. \
            Ctrl-C or SIGTERM ends them one after the other. A second Ctrl-C kills them. If this command itself is killed, its managers go on.

            The ports follow each other, beginning with that of --listen. What follows -- is passed to each manager.

            EXAMPLES
              Three managers on tasks.db, at the ports 11300 to 11302:
                beanrow up
              One manager with larger tasks:
                beanrow up --managers 1 -- --max-task-size 1000000
            """
    )

    @Option(help: ArgumentHelp("The number of managers, from 1 to 64.", valueName: "count"))
    var managers = 3

    @OptionGroup var database: DatabaseOption

    @Option(
        help: ArgumentHelp(
            "The address of the first manager. With port 0, each gets a free port.",
            valueName: "host:port"
        )
    )
    var listen = NetworkAddress(host: "127.0.0.1")

    @Argument(parsing: .postTerminator, help: "Options for each manager.")
    var options: [String] = []

    func validate() throws {
        guard (1...64).contains(managers) else { throw ValidationError("--managers must be from 1 to 64") }
        guard listen.port == 0 || listen.port + managers <= 65_536 else {
            throw ValidationError("--listen has no room for \(managers) ports")
        }
    }

    func run() async throws {
        try await Reporting.run {
            let program = try ManagerProgram.find()
            let addresses = (0..<managers)
                .map { number in
                    NetworkAddress(host: listen.host, port: listen.port == 0 ? 0 : listen.port + number)
                }
            for address in addresses {
                if let problem = PortCheck.problem(address) { throw Failure(problem) }
            }
            let run = UpRun(
                program: program,
                database: database.text,
                addresses: addresses.map { .network($0) },
                options: options
            )
            let status = await run.run()
            LineWriter.standardError.flush()
            if status != 0 { throw ExitCode(status) }
        }
    }
}
