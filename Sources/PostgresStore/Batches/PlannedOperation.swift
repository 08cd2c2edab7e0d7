import TaskStore

/// An operation as the server's function `run_batch_2` takes it: the type `operation_2` of `schema-postgres.sql`.
struct PlannedOperation {
    /// What the operation does, in the function's words.
    enum Kind: String {
        case put, claim, delete, release, bury, touch, expire, kick, peek, pause, clear, disconnect, attach
        case putUnique = "put unique"
        case claimTask = "claim task"
        case kickTask = "kick task"
        case peekNext = "peek next"
        case taskStatistics = "task statistics"
        case tubeStatistics = "tube statistics"
        case storeStatistics = "store statistics"
        case listTubes = "list tubes"
        case countUsers = "count users"
        case disconnectAndRelease = "disconnect and release"
        case breakClaim = "break claim"
        case endSession = "end session"
        case moveTask = "move task"
        case moveTasks = "move tasks"
        case editTask = "edit task"
        case setDraining = "set draining"
    }

    var kind: Kind

    /// The last operation that is run together with this one, counted from 1; else this one.
    var last: Int
    var session: Int64
    var id: Int64?
    var tube: String?

    /// The tubes to claim from.
    ///
    /// For an operation that names a task, and for a list: patterns of the tubes in which it may find tasks, or none if
    /// it may find tasks in all tubes.
    var tubes: [String] = []
    var state: String?
    var priority: Int64?

    /// The delay of a put or a release, or the length of a pause, in seconds.
    var delay: Int64?
    var timeToRun: Int64?

    /// How many tasks at most.
    var bound: Int64?

    /// A unique key, or a session's name.
    var name: String?
    var users: Int64?
    var watchers: Int64?

    /// Whether the connection has attached a named session, or had until another connection attached it.
    var isNamed = false

    /// Whether the tube may not exist, so that it is added.
    var makesTube = false
    var waits = false
    var mayHoldBack = false
    var mayBeDeferred = false

    /// Whether the next delay or claim of a named session may end at another time afterwards; not sent to the server.
    var mayMoveEvents = false
    var body: [UInt8]?

    init(_ kind: Kind, number: Int, session: Int64) {
        self.kind = kind
        self.last = number
        self.session = session
    }

    /// Whether it may find tasks in some tubes only.
    private var isRestricted = false

    /// Whether other operations of the kind cannot be run together with it.
    var runsAlone: Bool { isNamed || makesTube || mayBeDeferred || isRestricted }

    /// Restricts the operation to the tubes of a filter, as patterns of LIKE; see `may_find_task_2`.
    mutating func restrict(to access: AccessFilter) {
        isRestricted = true
        if access.held == access.others {
            tubes = access.others.map { "_:\($0.likePattern)" }
        } else {
            tubes = access.held.map { "h:\($0.likePattern)" } + access.others.map { "o:\($0.likePattern)" }
        }
        // An empty array would be no restriction, and no tube has an empty name.
        if tubes.isEmpty { tubes = [""] }
    }

    /// Writes the fields of `operation_2`, in order.
    func write(to writer: inout BinaryWriter) {
        writer.write(Int32(20))
        writer.field(kind.rawValue)
        writer.field(Int32(last))
        writer.field(session)
        writer.field(id)
        writer.field(tube)
        writer.field(tubes)
        writer.field(state)
        writer.field(priority)
        writer.field(delay)
        writer.field(timeToRun)
        writer.field(bound)
        writer.field(name)
        writer.field(users)
        writer.field(watchers)
        writer.field(isNamed)
        writer.field(makesTube)
        writer.field(waits)
        writer.field(mayHoldBack)
        writer.field(mayBeDeferred)
        writer.field(body)
    }
}

extension TubeGlob {
    /// The pattern in the language of LIKE.
    fileprivate var likePattern: String {
        var pattern = ""
        for character in text {
            switch character {
            case "*": pattern += "%"
            case "_", "%", "\\": pattern += "\\\(character)"
            default: pattern.append(character)
            }
        }
        return pattern
    }
}
