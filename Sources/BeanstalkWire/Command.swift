public import TaskStore

/// What a client asks for (protocol.txt).
///
/// Numbers are as the client sent them; nothing is rounded or defaulted here.
public enum Command: Sendable, Equatable {
    /// `put <pri> <delay> <ttr> <bytes>` and the body.
    case put(priority: UInt32, delay: UInt32, timeToRun: UInt32, body: [UInt8])

    /// `use <tube>`
    case use(TubeName)

    /// `reserve`
    case reserve

    /// `reserve-with-timeout <seconds>`; at most 2³¹−1.
    case reserveWithTimeout(seconds: UInt32)

    /// `reserve-job <id>`
    case reserveJob(TaskID)

    /// `delete <id>`
    case delete(TaskID)

    /// `release <id> <pri> <delay>`
    case release(TaskID, priority: UInt32, delay: UInt32)

    /// `bury <id> <pri>`
    case bury(TaskID, priority: UInt32)

    /// `touch <id>`
    case touch(TaskID)

    /// `watch <tube>`
    case watch(TubeName)

    /// `ignore <tube>`
    case ignore(TubeName)

    /// `peek <id>`
    case peek(TaskID)

    /// `peek-ready`
    case peekReady

    /// `peek-delayed`
    case peekDelayed

    /// `peek-buried`
    case peekBuried

    /// `kick <bound>`
    case kick(bound: UInt32)

    /// `kick-job <id>`
    case kickJob(TaskID)

    /// `stats-job <id>`
    case statsJob(TaskID)

    /// `stats-tube <tube>`
    case statsTube(TubeName)

    /// `stats`
    case stats

    /// `list-tubes`
    case listTubes

    /// `list-tube-used`
    case listTubeUsed

    /// `list-tubes-watched`
    case listTubesWatched

    /// `pause-tube <tube> <seconds>`
    case pauseTube(TubeName, seconds: UInt32)

    /// `quit`
    case quit

    /// `session <name>`: our own extension (docs/protocol.md).
    case session(SessionName)

    /// `put-unique <key> <pri> <delay> <ttr> <bytes>` and the body: our own extension (docs/protocol.md).
    case putUnique(UniqueKey, priority: UInt32, delay: UInt32, timeToRun: UInt32, body: [UInt8])

    /// `clear-tube <tube> <state>`; never ``TaskState/claimed``: our own extension (docs/protocol.md).
    case clearTube(TubeName, TaskState)

    /// Makes the command that puts a task into the tube that the connection uses.
    ///
    /// - Parameters:
    ///   - task: the task; its tube is not part of the command.
    ///   - key: its key; none for a plain `put`.
    public init(putting task: NewTask, key: UniqueKey? = nil) {
        let (priority, delay, timeToRun) = (task.priority, task.delay, task.timeToRun)
        if let key {
            self = .putUnique(key, priority: priority, delay: delay, timeToRun: timeToRun, body: task.body)
        } else {
            self = .put(priority: priority, delay: delay, timeToRun: timeToRun, body: task.body)
        }
    }

    /// The command's first word.
    public var verb: Verb {
        switch self {
        case .put: .put
        case .use: .use
        case .reserve: .reserve
        case .reserveWithTimeout: .reserveWithTimeout
        case .reserveJob: .reserveJob
        case .delete: .delete
        case .release: .release
        case .bury: .bury
        case .touch: .touch
        case .watch: .watch
        case .ignore: .ignore
        case .peek: .peek
        case .peekReady: .peekReady
        case .peekDelayed: .peekDelayed
        case .peekBuried: .peekBuried
        case .kick: .kick
        case .kickJob: .kickJob
        case .statsJob: .statsJob
        case .statsTube: .statsTube
        case .stats: .stats
        case .listTubes: .listTubes
        case .listTubeUsed: .listTubeUsed
        case .listTubesWatched: .listTubesWatched
        case .pauseTube: .pauseTube
        case .quit: .quit
        case .session: .session
        case .putUnique: .putUnique
        case .clearTube: .clearTube
        }
    }
}

/// The first word of a command.
public enum Verb: String, Sendable, Hashable, CaseIterable {
    /// Adds a task.
    case put
    /// Sets the tube for puts.
    case use
    /// Claims a task, waiting as long as it takes.
    case reserve
    /// Claims a task, waiting some seconds.
    case reserveWithTimeout = "reserve-with-timeout"
    /// Claims one task by its id.
    case reserveJob = "reserve-job"
    /// Removes a task.
    case delete
    /// Gives a claimed task back.
    case release
    /// Sets a claimed task aside.
    case bury
    /// Asks for more time.
    case touch
    /// Adds a tube to the watch list.
    case watch
    /// Takes a tube off the watch list.
    case ignore
    /// Reads a task.
    case peek
    /// Reads the next pending task.
    case peekReady = "peek-ready"
    /// Reads the next delayed task.
    case peekDelayed = "peek-delayed"
    /// Reads the next buried task.
    case peekBuried = "peek-buried"
    /// Makes buried or delayed tasks pending.
    case kick
    /// Makes one buried or delayed task pending.
    case kickJob = "kick-job"
    /// Reads what is known of a task.
    case statsJob = "stats-job"
    /// Reads what is known of a tube.
    case statsTube = "stats-tube"
    /// Reads what is known of the server.
    case stats
    /// Reads the names of all tubes.
    case listTubes = "list-tubes"
    /// Reads the tube for puts.
    case listTubeUsed = "list-tube-used"
    /// Reads the watch list.
    case listTubesWatched = "list-tubes-watched"
    /// Stops claims from a tube for some seconds.
    case pauseTube = "pause-tube"
    /// Closes the connection.
    case quit
    /// Takes up a session that outlives its connection.
    case session
    /// Adds a task unless one with the same key was added before.
    case putUnique = "put-unique"
    /// Deletes all tasks of a tube that are in one state.
    case clearTube = "clear-tube"
}
