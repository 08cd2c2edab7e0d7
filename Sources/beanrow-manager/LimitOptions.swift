internal import ArgumentParser
internal import CommandLineSupport
internal import Manager

/// The flags that bound what clients can take of a manager.
struct LimitOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Connections at a time. The next one is answered OUT_OF_MEMORY and closed.",
            discussion: "The limit on open files is raised for them as far as the system allows.",
            valueName: "count"
        )
    )
    var maxConnections = ConnectionLimits().connections

    @Option(
        help: ArgumentHelp(
            "Commands that a connection may have sent ahead of their answers before no more is read from it.",
            valueName: "count"
        )
    )
    var maxPipelined = ManagerConfiguration.QueueLimits().commands

    @Option(help: ArgumentHelp("The same for the bytes of the bodies among them.", valueName: "bytes"))
    var maxPipelinedBytes = ManagerConfiguration.QueueLimits().bytes

    @Option(
        help: ArgumentHelp(
            "Bytes of answers that a connection may have unread before none of its commands is begun.",
            valueName: "bytes"
        )
    )
    var maxUnread = ConnectionLimits().unreadBytes

    @Option(
        help: ArgumentHelp(
            """
            The most that is kept in memory of bodies, commands and answers, over all connections. Beyond it bodies are \
            answered OUT_OF_MEMORY, and clients that do not read wait. At least four times --max-task-size. \
            (default: 256, or as much as --max-task-size needs)
            """,
            valueName: "mebibytes"
        )
    )
    var maxMemory: Int?

    @Option(
        help: ArgumentHelp(
            "Tubes that a connection may watch. A watch beyond is answered OUT_OF_MEMORY.",
            valueName: "count"
        )
    )
    var maxWatched = ConnectionLimits().watchedTubes

    @Option(
        help: ArgumentHelp(
            "How long a connection may hold half a command before it is closed; 0 is for ever.",
            discussion: "Connections that are idle between commands are left alone.",
            valueName: "seconds"
        )
    )
    var commandTimeout = 60

    @Option(
        help: ArgumentHelp(
            """
            How long the database's log may become while a program that reads keeps it from being emptied. Beyond it \
            puts are answered OUT_OF_MEMORY, beyond twice as much everything that writes is.
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
    /// - Throws: `ValidationError` with the least that works.
    func checkMemory(maximumTaskSize: Int, lanes: Int) throws {
        guard let maxMemory else { return }
        let least = ManagerConfiguration.leastMemory(maximumTaskSize: maximumTaskSize, lanes: lanes)
        guard maxMemory << 20 < least else { return }
        let mebibytes = (least + (1 << 20) - 1) >> 20
        throw ValidationError(
            "--max-memory must be at least \(mebibytes) with this --max-task-size: four of the largest tasks for each lane"
        )
    }

    /// A manager's settings with these limits.
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
