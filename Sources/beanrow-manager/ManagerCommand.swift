internal import ArgumentParser
internal import CommandLineSupport
internal import Foundation
internal import Logging
internal import Manager
internal import SQLiteStore
internal import ServiceLifecycle
internal import TaskStore
internal import UnixSignals

/// `beanrow-manager`: reads the command line, opens the store and serves until a signal says otherwise.
@main
struct ManagerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "beanrow-manager",
        abstract: "Serves tasks out of one SQLite file or a PostgreSQL server, in beanstalkd's protocol.",
        discussion: """
            Start as many managers as you like on one file and one machine, each on a port of its own; or on one \
            PostgreSQL server, on as many machines as you like. Producers and consumers may talk to any of them: a task \
            put through one can be taken through every other.

            Once it accepts connections it prints "listening on HOST:PORT" on standard output; everything else goes to \
            standard error.

            SIGTERM and SIGINT end it: commands that have arrived are carried out, claims are given back. SIGUSR1 makes \
            it refuse new tasks with DRAINING.
            """,
        version: Version.current
    )

    @Option(
        help: ArgumentHelp(
            "The database file, made if it does not exist; or a PostgreSQL server, as in postgres://user@host/name.",
            valueName: "file or URI"
        )
    )
    var database = "tasks.db"

    @OptionGroup(title: "PostgreSQL")
    var server: ServerOptions

    @Option(help: ArgumentHelp("Where to accept connections; port 0 picks a free one.", valueName: "host:port"))
    var listen = ManagerAddress(host: "127.0.0.1")

    @Option(help: ArgumentHelp("What to call this manager in the database and the logs. (default: its address)"))
    var name: String?

    @Option(help: ArgumentHelp("The most bytes a task's body may have, up to 1 GiB.", valueName: "bytes"))
    var maxTaskSize = 65535

    @Option(
        help: ArgumentHelp(
            "How long a deleted task's put-unique key is kept from being put again.",
            valueName: "seconds"
        )
    )
    var uniqueRetention = QueueRules.keyRetention

    @Flag(
        help: ArgumentHelp(
            "Use a database file that has a second name (a hard link) or is mounted by itself.",
            discussion: """
                Only one manager can use it then, and no other program can open it as long as it runs. Start it by the same name each \
                time. Without this flag such a file is refused: managers that used different names would not see each other.
                """
        )
    )
    var allowLinks = false

    @Option(
        help: ArgumentHelp(
            "The permissions of a database file that is made: 660 for several users of one group, whatever the umask is.",
            valueName: "octal"
        )
    )
    var fileMode = FileMode(rawValue: 0o600)

    @OptionGroup(title: "Limits on what clients can take") var limits: LimitOptions

    @Option(help: ArgumentHelp("The least level to log: trace, debug, info, notice, warning, error or critical."))
    var logLevel = Logger.Level.info

    static func main() async {
        await CommandStart.run(ManagerCommand.self)
    }

    func validate() throws {
        guard !StoreChoice.isMistaken(database) else {
            throw ValidationError("--database is a file, or a server as in postgres://user@host/name; this is neither")
        }
        guard (1...1 << 30).contains(maxTaskSize) else {
            throw ValidationError("--max-task-size must be from 1 to \(1 << 30)")
        }
        guard (0...Int(Int32.max)).contains(uniqueRetention) else {
            throw ValidationError("--unique-retention must be from 0 to \(Int32.max) seconds")
        }
        try limits.checkMemory(maximumTaskSize: maxTaskSize, lanes: StoreChoice(database).lanes(server.lanes))
    }

    func run() async throws {
        var logger = Logger(label: "beanrow-manager") {
            StreamLogHandler(label: $0, stream: LineStream(to: .standardError))
        }
        logger.logLevel = logLevel
        let output = LineWriter(
            descriptor: STDOUT_FILENO,
            onFailure: { [logger] failure in
                logger.warning("standard output does not take the line that says where the manager listens: \(failure)")
            }
        )
        let manager = makeManager(logger: logger, output: output)
        let services = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [
                    .init(
                        service: manager,
                        successTerminationBehavior: .gracefullyShutdownGroup,
                        failureTerminationBehavior: .cancelGroup
                    ),
                    .init(service: DrainOnSignal(manager: manager)),
                ],
                gracefulShutdownSignals: [.sigterm, .sigint],
                logger: Logger(label: "service-lifecycle") { _ in SwiftLogNoOpLogHandler() }
            )
        )
        do {
            try await services.run()
        } catch {
            LineWriter.standardError.writeLast("beanrow-manager: \(error)\n")
            throw ExitStatus.of(error)
        }
        LineWriter.standardError.flush()
    }

    private func makeManager(logger: Logger, output: LineWriter) -> ManagerService {
        let choice = StoreChoice(database)
        let configuration = limits.configuration(maximumTaskSize: maxTaskSize, lanes: choice.lanes(server.lanes))
        return ManagerService(
            host: listen.host,
            port: listen.port,
            configuration: configuration,
            logger: logger,
            onListening: { output.write("listening on \($0)\n") },
            openStore: {
                [name, uniqueRetention, fileMode, allowLinks, limits, server] address, lane, now throws(StoreError) in
                switch choice {
                case .server(let database):
                    return try server.open(
                        database,
                        name: name ?? address,
                        address: address,
                        lane: lane,
                        uniqueRetention: uniqueRetention,
                        logger: logger
                    )
                case .file(let path):
                    var options = SQLiteStore.Options()
                    options.version = Version.current
                    options.uniqueRetention = uniqueRetention
                    options.allowsLinks = allowLinks
                    options.fileMode = fileMode.rawValue
                    options.mostLogBytes = limits.maxLogSize << 20
                    let store = try SQLiteStore.open(
                        path: path,
                        name: name ?? address,
                        address: address,
                        at: now,
                        options: options
                    )
                    report(store.recoveredAtOpening, logger)
                    return store
                }
            }
        )
    }
}

/// Puts the manager into drain mode when SIGUSR1 arrives, as beanstalkd does.
struct DrainOnSignal: Service {
    let manager: ManagerService

    func run() async throws {
        for await _ in await UnixSignalsSequence(trapping: .sigusr1).cancelOnGracefulShutdown() {
            manager.drain()
        }
    }
}
