/// What every store and every manager has to know of actions.
extension Action {
    /// The only task that the action names; nil if it names none, or a tube.
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

    /// The task of which the action ends or extends the session's claim; nil if it does neither.
    public var claimedTask: TaskID? {
        switch self {
        case .delete(let id), .release(let id, _, _), .bury(let id, _), .touch(let id), .expire(let id): id
        default: nil
        }
    }

    /// Whether the action makes, ends or extends claims, which a connection may not do whose named session another one has
    /// taken up.
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
