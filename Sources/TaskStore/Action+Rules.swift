/// The properties of actions that all stores and managers need.
extension Action {
    /// The only task that the action names; `nil` if it names no task.
    public var task: TaskID? {
        switch self {
        case .claimTask(let id), .delete(let id), .release(let id, _, _), .bury(let id, _), .touch(let id),
            .kickTask(let id), .peek(let id), .taskStatistics(let id), .expire(let id):
            id
        case .put, .claim, .kick, .peekNext, .pause, .tubeStatistics, .storeStatistics, .listTubes, .refer, .giveBack,
            .giveBackAll, .takeUp, .clear:
            nil
        }
    }

    /// The task whose claim the action ends or extends; `nil` if it does neither.
    public var claimedTask: TaskID? {
        switch self {
        case .delete(let id), .release(let id, _, _), .bury(let id, _), .touch(let id), .expire(let id): id
        default: nil
        }
    }

    /// Whether the action makes, ends or extends claims.
    ///
    /// A connection may not do that if another connection has taken up its named session.
    public var concernsClaims: Bool {
        switch self {
        case .claim, .claimTask: true
        default: claimedTask != nil
        }
    }

    /// Whether the action names a row that another program may have locked.
    public var mayMeetLock: Bool {
        switch self {
        case .claimTask, .delete, .release, .bury, .touch, .kickTask, .pause: true
        case .put(let task): task.key != nil
        default: false
        }
    }

    /// Whether the action changes nothing.
    public var isReadOnly: Bool {
        switch self {
        case .peek, .peekNext, .taskStatistics, .tubeStatistics, .storeStatistics, .listTubes: true
        default: false
        }
    }
}
