/// A question of an operator about the store, which changes nothing.
///
/// Lists come in pages. A page begins behind a key and not at an offset, so that what is added or removed during this
/// time makes no other row appear twice or not at all.
public enum InspectQuery: Sendable, Equatable {
    /// The number of rows of a page if the client names none.
    public static let usualLimit = 100

    /// The most rows of a page.
    public static let largestLimit = 1000

    /// All managers. → ``Inspection/managers(_:)``
    case managers

    /// Tubes in the order of their names' bytes. → ``Inspection/tubes(_:)``
    ///
    /// If there is a state, only tubes that have tasks in it. `after`: the name behind which the page begins.
    case tubes(having: TaskState?, after: TubeName?, limit: Int)

    /// One tube. → ``Inspection/tube(_:)``, ``Outcome/notFound``
    case tube(TubeName)

    /// Tasks in the order of their ids. → ``Inspection/tasks(_:)``
    case tasks(TaskFilter, after: TaskID, limit: Int)

    /// One task, and its body if that is wanted. → ``Inspection/task(_:)``, ``Outcome/notFound``
    case task(TaskID, withBody: Bool)

    /// Claimed tasks in the order of their ids, with the sessions that hold them. → ``Inspection/claims(_:)``
    ///
    /// `manager`: only claims of connections of the managers with this name, and of named sessions that such a
    /// connection has attached.
    case claims(tube: TubeName?, manager: String?, after: TaskID, limit: Int)

    /// Named sessions in the order of their numbers. → ``Inspection/sessions(_:)``
    ///
    /// `tube`: only sessions that hold a task of the tube. `manager`: only sessions that a connection of a manager with
    /// this name has attached. `after`: the number behind which the page begins.
    case sessions(tube: TubeName?, manager: String?, after: Int64, limit: Int)

    /// The database and its files. → ``Inspection/store(_:)``
    case store
}

/// The tasks that an operator wants to see.
///
/// All conditions must hold.
public struct TaskFilter: Sendable, Equatable {
    /// Only tasks of this tube; `nil` for all.
    public var tube: TubeName?

    /// Only tasks in this state; `nil` for all.
    public var state: TaskState?

    /// Only tasks that were put more than this number of seconds ago; `nil` for all.
    public var olderThan: UInt32?

    /// Only tasks whose body has these bytes somewhere; empty for all.
    public var bodyLike: [UInt8]

    /// Makes a filter.
    public init(
        tube: TubeName? = nil,
        state: TaskState? = nil,
        olderThan: UInt32? = nil,
        bodyLike: [UInt8] = []
    ) {
        self.tube = tube
        self.state = state
        self.olderThan = olderThan
        self.bodyLike = bodyLike
    }

    /// Whether all tasks pass.
    public var isEmpty: Bool { tube == nil && state == nil && olderThan == nil && bodyLike.isEmpty }
}
