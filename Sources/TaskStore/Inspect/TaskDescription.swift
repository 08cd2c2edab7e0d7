/// A task as an operator sees it.
public struct TaskDescription: Sendable, Equatable {
    /// The number of bytes at the start of a body that lists show.
    public static let bytesOfStart = 200

    /// Its state, its counters, and what is left of its delay or claim.
    public var statistics: TaskStatistics

    /// When it was put.
    public var created: Timestamp

    /// The session that holds it; `nil` if none does.
    public var holder: HolderDescription?

    /// The unique key with which it was put, in the description of a single task.
    public var key: String?

    /// The length of its body in bytes.
    public var bodyBytes: Int

    /// Its body, or the start of it.
    public var body: TaskBody

    /// Makes a description.
    public init(
        statistics: TaskStatistics,
        created: Timestamp,
        holder: HolderDescription? = nil,
        key: String? = nil,
        bodyBytes: Int,
        body: TaskBody
    ) {
        self.statistics = statistics
        self.created = created
        self.holder = holder
        self.key = key
        self.bodyBytes = bodyBytes
        self.body = body
    }
}

/// What a description has of the body of a task.
public enum TaskBody: Sendable, Equatable {
    /// Nothing: it may not be read, or is not wanted.
    case hidden

    /// Its first ``TaskDescription/bytesOfStart`` bytes.
    case start([UInt8])

    /// All of it.
    case whole([UInt8])

    /// It does not match its checksum.
    case damaged
}

/// The session that holds a task.
public struct HolderDescription: Sendable, Equatable {
    /// The session's number: a named session's, or that of a connection.
    public var session: Int64

    /// Whether it is a named session, whose claims outlive its connection.
    public var isNamed: Bool

    /// The name of the manager that has its connection; `nil` if there is none.
    public var manager: String?

    /// The number of the connection at that manager; `nil` if there is none.
    public var connection: UInt32?

    /// Makes a description.
    public init(session: Int64, isNamed: Bool, manager: String?, connection: UInt32?) {
        self.session = session
        self.isNamed = isNamed
        self.manager = manager
        self.connection = connection
    }
}
