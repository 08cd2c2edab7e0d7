internal import ArgumentParser
internal import CommandLineSupport
internal import Manager

/// The options that limit what clients can use.
struct LimitOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The most connections, from 1 to 1000000. The next one is answered OUT_OF_MEMORY and closed.",
            discussion: "The limit of open files is raised for them, as far as the system allows.",
            valueName: "count"
        )
    )
    var maxConnections = ConnectionLimits().connections

    @Option(
        help: ArgumentHelp(
            "The most commands per connection that wait for answers, from 1 to 1000000. Then no more is read from it.",
            valueName: "count"
        )
    )
    var maxPipelined = ManagerConfiguration.QueueLimits().commands

    @Option(
        help: ArgumentHelp(
            "The most bytes of bodies in these commands, from 1 to 1073741824.",
            valueName: "bytes"
        )
    )
    var maxPipelinedBytes = ManagerConfiguration.QueueLimits().bytes

    @Option(
        help: ArgumentHelp(
            "The most bytes of answers that a client has not read, from 1 to 1073741824. Then its commands wait.",
            valueName: "bytes"
        )
    )
    var maxUnread = ConnectionLimits().unreadBytes

    @Option(
        help: ArgumentHelp(
            """
            The most memory for bodies, commands, answers, watched tubes and claims of all connections, up to 1048576 \
            MiB. Beyond it, bodies, watch and reserve are answered with OUT_OF_MEMORY, and clients that do not read \
            wait. At least four times --max-task-size per lane. (default: 256, or what --max-task-size needs)
            """,
            valueName: "mebibytes"
        )
    )
    var maxMemory: Int?

    @Option(
        help: ArgumentHelp(
            "The most tubes that a connection may watch, from 1 to 1000000. Another watch is answered OUT_OF_MEMORY.",
            valueName: "count"
        )
    )
    var maxWatched = ConnectionLimits().watchedTubes

    @Option(
        help: ArgumentHelp(
            "How long a command may be incomplete before its connection is closed, up to 1000000 s. 0 means no limit.",
            discussion: "Connections that are idle between two commands are not closed.",
            valueName: "seconds"
        )
    )
    var commandTimeout = 60

    @Option(
        help: ArgumentHelp(
            """
            The largest size of the database's log while a reading program prevents that it is emptied, from 16 to \
            1048576 MiB. Beyond it, puts are answered with OUT_OF_MEMORY; beyond twice the size, all writes are.
            """,
            valueName: "mebibytes"
        )
    )
    var maxLogSize = 1024

    func validate() throws {
        for (name, value, range) in [
            ("--max-connections", maxConnections, 1...1_000_000),
            ("--max-pipelined", maxPipelined, 1...1_000_000),
            ("--max-pipelined-bytes", maxPipelinedBytes, 1...1 << 30),
            ("--max-unread", maxUnread, 1...1 << 30),
            ("--max-watched", maxWatched, 1...1_000_000),
            ("--command-timeout", commandTimeout, 0...1_000_000),
            ("--max-log-size", maxLogSize, 16...1 << 20),
            ("--max-memory", maxMemory ?? 1, 1...1 << 20),
        ] where !range.contains(value) {
            throw ValidationError("\(name) must be from \(range.lowerBound) to \(range.upperBound)")
        }
    }

    /// Checks that there is memory for tasks of the largest size.
    ///
    /// - Throws: `ValidationError` with the smallest value that is enough.
    func checkMemory(maximumTaskSize: Int, lanes: Int) throws {
        guard let maxMemory else { return }
        let least = ManagerConfiguration.leastMemory(maximumTaskSize: maximumTaskSize, lanes: lanes)
        guard maxMemory << 20 < least else { return }
        let mebibytes = (least + (1 << 20) - 1) >> 20
        throw ValidationError(
            "--max-memory must be at least \(mebibytes) with this --max-task-size: four of the largest tasks per lane"
        )
    }

    /// Returns the settings of a manager with these limits.
    func configuration(maximumTaskSize: Int, lanes: Int) -> ManagerConfiguration {
        ManagerConfiguration(
            maximumTaskSize: maximumTaskSize,
            version: Version.current,
            lanes: lanes,
            queueLimits: .init(commands: maxPipelined, bytes: maxPipelinedBytes),
            limits: ConnectionLimits(
                connections: maxConnections,
                unreadBytes: maxUnread,
                watchedTubes: maxWatched,
                commandTimeout: commandTimeout == 0 ? nil : .seconds(commandTimeout)
            ),
            maximumMemory: maxMemory.map { $0 << 20 }
        )
    }
}
