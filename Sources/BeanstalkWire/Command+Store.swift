public import TaskStore

extension Command {
    /// Makes the command that puts a task into the tube that the connection uses.
    ///
    /// - Parameter task: the task; its tube is not part of the command.
    public init(putting task: NewTask) {
        self = .put(
            priority: task.priority,
            delay: task.delay,
            timeToRun: task.timeToRun,
            body: task.body,
            key: task.key
        )
    }
}

/// The commands that the store carries out alone.
extension Command {
    /// Makes `reserve-job <id>`.
    public static func reserveJob(_ id: TaskID) -> Command { .store(.reserveJob, .claimTask(id)) }

    /// Makes `delete <id>`.
    public static func delete(_ id: TaskID) -> Command { .store(.delete, .delete(id)) }

    /// Makes `release <id> <pri> <delay>`.
    public static func release(_ id: TaskID, priority: UInt32, delay: UInt32) -> Command {
        .store(.release, .release(id, priority: priority, delay: delay))
    }

    /// Makes `bury <id> <pri>`.
    public static func bury(_ id: TaskID, priority: UInt32) -> Command {
        .store(.bury, .bury(id, priority: priority))
    }

    /// Makes `touch <id>`.
    public static func touch(_ id: TaskID) -> Command { .store(.touch, .touch(id)) }

    /// Makes `peek <id>`.
    public static func peek(_ id: TaskID) -> Command { .store(.peek, .peek(id)) }

    /// Makes `kick-job <id>`.
    public static func kickJob(_ id: TaskID) -> Command { .store(.kickJob, .kickTask(id)) }

    /// Makes `stats-job <id>`.
    public static func statsJob(_ id: TaskID) -> Command { .store(.statsJob, .taskStatistics(id)) }

    /// Makes `stats-tube <tube>`.
    public static func statsTube(_ tube: TubeName) -> Command { .store(.statsTube, .tubeStatistics(tube)) }

    /// Makes `stats`.
    public static let stats = Command.store(.stats, .storeStatistics)

    /// Makes `list-tubes`.
    public static let listTubes = Command.store(.listTubes, .listTubes)

    /// Makes `pause-tube <tube> <seconds>`.
    public static func pauseTube(_ tube: TubeName, seconds: UInt32) -> Command {
        .store(.pauseTube, .pause(tube, seconds: seconds))
    }

    /// Makes `break-claim <id>`.
    public static func breakClaim(_ id: TaskID) -> Command { .store(.breakClaim, .breakClaim(id)) }

    /// Makes `drain-manager <name>`, or `undrain-manager <name>` if the manager is to take tasks again.
    public static func drain(manager: String, _ isDraining: Bool = true) -> Command {
        .store(isDraining ? .drainManager : .undrainManager, .setDraining(manager: manager, isDraining))
    }

    /// Makes `move-job <id> <tube>`.
    public static func moveJob(_ id: TaskID, to tube: TubeName) -> Command { .store(.moveJob, .moveTask(id, to: tube)) }

    /// Makes `edit-job <id> [pri=] [delay=] [ttr=]`.
    public static func editJob(_ id: TaskID, _ edit: TaskEdit) -> Command { .store(.editJob, .editTask(id, edit)) }

    /// Makes `inspect <what> [<option>=<value> ...]`.
    public static func inspect(_ query: InspectQuery) -> Command { .store(.inspect, .inspect(query)) }
}

/// The commands of verbs with at most one argument. The parser makes them from the verb's row in the table.
extension Command {
    /// Makes the command of a verb without arguments; `nil` if the verb needs some.
    init?(_ verb: Verb) {
        switch verb {
        case .reserve: self = .reserve
        case .peekReady: self = .peekNext(.pending)
        case .peekDelayed: self = .peekNext(.delayed)
        case .peekBuried: self = .peekNext(.buried)
        case .stats: self = .stats
        case .listTubes: self = .listTubes
        case .listTubeUsed: self = .listTubeUsed
        case .listTubesWatched: self = .listTubesWatched
        case .quit: self = .quit
        default: return nil
        }
    }

    /// Makes the command of a verb that names a task; `nil` if the verb needs other arguments.
    init?(_ verb: Verb, _ task: TaskID) {
        switch verb {
        case .delete: self = .delete(task)
        case .touch: self = .touch(task)
        case .reserveJob: self = .reserveJob(task)
        case .peek: self = .peek(task)
        case .kickJob: self = .kickJob(task)
        case .statsJob: self = .statsJob(task)
        case .breakClaim: self = .breakClaim(task)
        default: return nil
        }
    }

    /// Makes the command of a verb that names a tube; `nil` if the verb needs other arguments.
    init?(_ verb: Verb, _ tube: TubeName) {
        switch verb {
        case .use: self = .use(tube)
        case .watch: self = .watch(tube)
        case .ignore: self = .ignore(tube)
        case .statsTube: self = .statsTube(tube)
        default: return nil
        }
    }
}
