internal import ArgumentParser
internal import CommandLineSupport
internal import Logging
internal import Manager
internal import PostgresStore
internal import SQLiteStore
internal import TaskStore

/// Where the tasks are: in a SQLite file, or on a PostgreSQL server.
enum StoreChoice {
    case file(String)
    case server(String)

    /// Understands what `--database` says: a server where it is a URI that libpq takes, otherwise a file.
    init(_ database: String) {
        let isServer = database.hasPrefix("postgres://") || database.hasPrefix("postgresql://")
        self = isServer ? .server(database) : .file(database)
    }

    /// Whether `--database` was to name a server and does not.
    ///
    /// It must not be taken for a file then: the name of a file is in many messages, and this may hold a password.
    static func isMistaken(_ database: String) -> Bool {
        let text = database.lowercased().drop { $0 == " " || $0 == "\"" || $0 == "'" }
        if database.hasPrefix("postgres://") || database.hasPrefix("postgresql://") { return false }
        return text.contains("://") || text.contains("password=")
            || (text.hasPrefix("postgres") && (text.contains(":") || text.contains("@")))
    }

    /// On how many event loops a manager runs: SQLite has one writer at a time, and more would not help.
    func lanes(_ asked: Int) -> Int {
        switch self {
        case .file: 1
        case .server: asked
        }
    }
}

/// What the command line says of a PostgreSQL server.
struct ServerOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "For how long commands wait for a PostgreSQL server that does not answer.",
            valueName: "seconds"
        )
    )
    var databaseTimeout = 10

    @Option(
        help: ArgumentHelp(
            "For how long this manager may be out of reach of a PostgreSQL server before the others take its clients' claims.",
            valueName: "seconds"
        )
    )
    var lease = 5

    @Option(help: ArgumentHelp("How many connections work on a PostgreSQL server at once.", valueName: "number"))
    var lanes = 1

    func validate() throws {
        guard (1...3600).contains(databaseTimeout) else {
            throw ValidationError("--database-timeout must be from 1 to 3600 seconds")
        }
        guard (1...3600).contains(lease) else { throw ValidationError("--lease must be from 1 to 3600 seconds") }
        guard (1...64).contains(lanes) else { throw ValidationError("--lanes must be from 1 to 64") }
    }

    /// Opens the store for one lane.
    func open(
        _ database: String,
        name: String,
        address: String,
        lane: Int,
        uniqueRetention: Int,
        logger: Logger
    ) throws(StoreError) -> any Store {
        var options = PostgresStore.Options()
        options.timeout = .seconds(databaseTimeout)
        options.lease = .seconds(lease)
        options.lane = lane
        options.uniqueRetention = uniqueRetention
        options.version = Version.current
        let store = try PostgresStore.open(address: database, name: name, listeningAddress: address, options: options)
        if lane == 0 {
            for (line, isWarning) in store.durability {
                logger.log(level: isWarning ? .warning : .notice, "PostgreSQL: \(line)")
            }
        }
        report(store.recoveredAtOpening, logger)
        return store
    }
}

/// Says which managers were found dead when a store was opened.
func report(_ recovered: [DeadManager], _ logger: Logger) {
    for manager in recovered {
        logger.notice(
            "a manager had died; its claims are pending again",
            metadata: ["manager": "\(manager.name)", "id": "\(manager.id)", "claims": "\(manager.claims)"]
        )
    }
}
