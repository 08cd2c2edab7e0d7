internal import Access
internal import ArgumentParser
internal import CommandLineSupport
internal import Glibc
internal import Logging
internal import Manager
internal import PostgresStore
internal import SQLiteStore
internal import ServiceLifecycle
internal import ServiceNotification
internal import TaskStore
internal import Transport
internal import UnixSignals

/// `beanrow-manager`: opens the store and serves clients until a signal stops it.
@main
struct ManagerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "beanrow-manager",
        abstract: "Serve tasks from an SQLite file or a PostgreSQL server, with beanstalkd's protocol.",
        discussion: """
            Up to 64 managers may serve one file, on one machine, each with its own port. Any number of managers may \
            serve one PostgreSQL server, on any number of machines. Producers and consumers may connect to any of \
            them: a task that was put through one manager can be claimed through every other one.

            When it accepts connections, it prints "listening on HOST:PORT" on standard output, one line per \
            listener, as --managers of the clients takes it. All other output goes to standard error.

            SIGTERM and SIGINT stop it: commands that have arrived are carried out, and claims are released. After \
            SIGUSR1 it answers puts with DRAINING. At SIGHUP it reads its certificates and the file of --tokens again: if \
            one is wrong, it keeps all that it has, and says so.

            The exit status is 0 after a signal, 64 if the command line is wrong, 75 if another process has to end \
            first, 78 if acknowledged tasks are gone from the disk or a certificate, key or tokens file cannot be used, and 1 \
            otherwise. Do not restart it after 64 and 78.

            Each option may also come from an environment variable: BEANROW_MAX_TASK_SIZE is --max-task-size. The \
            command line wins.

            EXAMPLES
              Serve tasks.db in the current directory, on port 11300:
                beanrow-manager
              Start a second manager on the same file:
                beanrow-manager --database tasks.db --listen 127.0.0.1:11301
              Serve a PostgreSQL server, on all interfaces, with four connections to it:
                beanrow-manager --database postgres://db/tasks --listen 0.0.0.0 --lanes 4
              Serve programs of this machine's group "tasks" through a socket, and others with TLS:
                beanrow-manager --listen unix:/run/beanrow/m1.sock --socket-group tasks \
                  --listen-tls 0.0.0.0:11301 --tls-certificate m1.crt --tls-key m1.key
            """,
        version: Version.current
    )

    @Option(
        help: ArgumentHelp(
            "The database file, created if it is missing; or a PostgreSQL server, such as postgres://user@host/name.",
            valueName: "file or URI"
        )
    )
    var database = "tasks.db"

    @OptionGroup(title: "PostgreSQL")
    var server: ServerOptions

    @OptionGroup(title: "Where to listen")
    var listeners: ListenerOptions

    @Option(help: ArgumentHelp("The name of this manager in the database and the logs. (default: its first address)"))
    var name: String?

    @Option(help: ArgumentHelp("The size of the largest body, from 1 to 1073741824 (1 GiB).", valueName: "bytes"))
    var maxTaskSize = 65535

    @Option(
        help: ArgumentHelp(
            "How long the key of a deleted task is kept, so that put-unique does not put it again; 0 to 2147483647.",
            valueName: "seconds"
        )
    )
    var uniqueRetention = QueueRules.keyRetention

    @Flag(
        help: ArgumentHelp(
            "Accept a database file that has a second name (a hard link) or is mounted by itself.",
            discussion: """
                Only one manager can use it then, and no other program can open it while the manager runs. Always \
                start it with the same name. Without this flag such a file is refused, since managers that use \
                different names do not see each other.
                """
        )
    )
    var allowLinks = false

    @Option(
        help: ArgumentHelp(
            "The permissions of a new database file, whatever the umask is: 660 for several users of one group.",
            valueName: "octal"
        )
    )
    var fileMode = FileMode(rawValue: 0o600)

    @OptionGroup(title: "Access")
    var access: AccessOptions

    @OptionGroup(title: "Limits on what clients can use") var limits: LimitOptions

    @Option(help: ArgumentHelp("The lowest level to log: trace, debug, info, notice, warning, error or critical."))
    var logLevel = Logger.Level.info

    @Option(help: ArgumentHelp("The form of the log lines: text, or one JSON object per line.", valueName: "format"))
    var logFormat = LogFormat.text

    static func main() async {
        await CommandStart.run(ManagerCommand.self, environment: environment)
    }

    func validate() throws {
        guard !StoreChoice.isMistaken(database) else {
            throw ValidationError("--database must be a file, or a server such as postgres://user@host/name")
        }
        guard (1...1 << 30).contains(maxTaskSize) else {
            throw ValidationError("--max-task-size must be from 1 to \(1 << 30)")
        }
        guard (0...Int(Int32.max)).contains(uniqueRetention) else {
            throw ValidationError("--unique-retention must be from 0 to \(Int32.max) seconds")
        }
        try access.check(listeners.listeners)
        try limits.checkMemory(maximumTaskSize: maxTaskSize, lanes: StoreChoice(database).lanes(server.lanes))
    }

    func run() async throws {
        var logger = Logger(label: "beanrow-manager") { [logFormat] label -> any LogHandler in
            switch logFormat {
            case .text: StreamLogHandler(label: label, stream: LineStream(to: .standardError))
            case .json: JSONLogHandler(label: label, stream: LineStream(to: .standardError))
            }
        }
        logger.logLevel = logLevel
        let output = LineWriter(
            descriptor: STDOUT_FILENO,
            onFailure: { [logger] failure in
                logger.warning("cannot write to standard output on which address the manager listens: \(failure)")
            }
        )
        // Until the manager reads its files again, a SIGHUP must not end the process.
        signal(SIGHUP, SIG_IGN)
        let settings: ListenerSettings
        let principals: AccessList?
        do {
            settings = try listeners.settings()
            principals = try access.load()
        } catch {
            LineWriter.standardError.writeLast("beanrow-manager: \(error)\n")
            throw ExitStatus.of(error)
        }
        settings.tls?.loaded.report(logger)
        let lanes = StoreChoice(database).lanes(server.lanes)
        let activities = (0..<lanes).map { _ in LoopActivity() }
        let notifier = ServiceNotifier(readings: { activities.map(LoopReading.init) })
        let manager = makeManager(
            settings,
            principals,
            logger: logger,
            output: output,
            notifier: notifier,
            activities: activities
        )
        let reloader = Reloader(
            [settings.tls?.reloadable, access.reloadable(manager)].compactMap { $0 },
            logger: logger
        )
        let services = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [
                    .init(
                        service: manager,
                        successTerminationBehavior: .gracefullyShutdownGroup,
                        failureTerminationBehavior: .cancelGroup
                    ),
                    .init(service: DrainOnSignal(manager: manager, notifier: notifier)),
                    .init(service: ReloadOnSignal(reloader: reloader, notifier: notifier)),
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
        notifier.flush()
        LineWriter.standardError.flush()
    }

    private func makeManager(
        _ settings: ListenerSettings,
        _ principals: AccessList?,
        logger: Logger,
        output: LineWriter,
        notifier: ServiceNotifier,
        activities: [LoopActivity]
    ) -> ManagerService {
        let choice = StoreChoice(database)
        let stop = StopSignal()
        var configuration = limits.configuration(maximumTaskSize: maxTaskSize, lanes: choice.lanes(server.lanes))
        configuration.access = principals
        return ManagerService(
            settings: settings,
            configuration: configuration,
            logger: logger,
            onListening: { [access] listener in
                access.warn(of: listener, logger)
                output.write("listening on \(listener)\n")
                notifier.didStart(address: "\(listener)")
            },
            onStopping: {
                stop.stop()
                notifier.didBeginToStop()
            },
            activities: activities,
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
                        stop: stop,
                        wait: activities[lane].wait,
                        logger: logger
                    )
                case .file(let path):
                    var options = SQLiteStore.Options()
                    options.version = Version.current
                    options.wait = activities[lane].wait
                    options.host = HostName.current
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
                    logger.report(store.recoveredAtOpening)
                    return store
                }
            }
        )
    }
}
