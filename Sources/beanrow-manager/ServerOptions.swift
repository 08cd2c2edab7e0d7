internal import ArgumentParser
internal import CommandLineSupport
internal import Logging
internal import PostgresStore
internal import TaskStore

/// The options for a PostgreSQL server.
struct ServerOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "How long commands wait for a PostgreSQL server that does not answer, from 1 to 3600 seconds.",
            valueName: "seconds"
        )
    )
    var databaseTimeout = 10

    @Option(
        help: ArgumentHelp(
            "How long a manager may be cut off from a PostgreSQL server before others release its claims, 1 to 3600 s.",
            valueName: "seconds"
        )
    )
    var lease = 5

    @Option(
        help: ArgumentHelp(
            "The number of connections to a PostgreSQL server that run batches at the same time, from 1 to 64.",
            valueName: "count"
        )
    )
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
        stop: StopSignal,
        wait: StoreWait,
        logger: Logger
    ) throws(StoreError) -> any Store {
        var options = PostgresStore.Options()
        options.timeout = .seconds(databaseTimeout)
        options.lease = .seconds(lease)
        options.lane = lane
        options.uniqueRetention = uniqueRetention
        options.version = Version.current
        options.stop = stop
        options.wait = wait
        options.host = HostName.current
        let store = try PostgresStore.open(address: database, name: name, listeningAddress: address, options: options)
        if lane == 0 {
            for (line, isWarning) in store.durability {
                logger.log(level: isWarning ? .warning : .notice, "PostgreSQL: \(line)")
            }
        }
        logger.report(store.recoveredAtOpening)
        return store
    }
}
