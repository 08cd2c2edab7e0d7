/// An action that a session can ask of the store.
public enum Action: Sendable, Equatable {
    /// Adds a task. → ``Outcome/inserted(_:)``, ``Outcome/storageFull``, and ``Outcome/exists(_:)`` if the task has a
    /// key and the tube has, or recently had, a task with the same key.
    case put(NewTask)

    /// Claims up to `count` pending tasks of all `tubes` that are not paused, smallest priority first and oldest first
    /// among equals. → ``Outcome/claimed(_:)`` with the tasks that it found.
    ///
    /// If `waits` is true and fewer than `count` were there, the session goes on waiting: the manager is subscribed to its
    /// tubes from this very transaction on (``Store/unsubscribe(from:)``), and the session's later operations in the batch
    /// are not run (``Outcome/deferred``).
    case claim(tubes: [TubeName], count: Int, waits: Bool)

    /// Claims one task that is pending, delayed or buried, also if its tube is paused. → ``Outcome/claimed(_:)``,
    /// ``Outcome/notFound``
    case claimTask(TaskID)

    /// Deletes a task that this session or no session holds. → ``Outcome/deleted``, ``Outcome/notFound``
    case delete(TaskID)

    /// Ends the session's claim; the task becomes pending or delayed. → ``Outcome/released``, ``Outcome/notFound``
    case release(TaskID, priority: UInt32, delay: UInt32)

    /// Ends the session's claim and buries the task, last among the buried tasks of its tube. → ``Outcome/buried``,
    /// ``Outcome/notFound``
    case bury(TaskID, priority: UInt32)

    /// Starts the session's claim again with its full time to run. → ``Outcome/touched``, ``Outcome/notFound``
    case touch(TaskID)

    /// Makes up to `bound` buried tasks of the tube pending, the longest buried first. If none is buried, it makes
    /// delayed tasks pending, the soonest first. → ``Outcome/kicked(_:)``
    ///
    /// If `state` is buried or delayed, only tasks in that state are kicked. So all steps of a long kick take tasks
    /// from the same state. A manager asks for ``Batch/mostRows`` at most.
    case kick(TubeName, bound: Int, from: TaskState? = nil)

    /// Makes one buried or delayed task pending. → ``Outcome/kicked(_:)`` with 1, ``Outcome/notFound``
    case kickTask(TaskID)

    /// Reads one task. → ``Outcome/found(_:body:)``, ``Outcome/notFound``
    case peek(TaskID)

    /// Reads the next task of a tube in a state that is not claimed: the task that a claim, the end of a delay, or a
    /// kick would take first. → ``Outcome/found(_:body:)``, ``Outcome/notFound``
    case peekNext(TubeName, TaskState)

    /// Pauses a tube: its pending tasks are not claimed for some seconds. 0 ends a pause. → ``Outcome/paused``,
    /// ``Outcome/notFound``
    case pause(TubeName, seconds: UInt32)

    /// Reads the statistics of a task. → ``Outcome/task(_:)``, ``Outcome/notFound``
    case taskStatistics(TaskID)

    /// Reads the statistics of a tube. → ``Outcome/tube(_:)``, ``Outcome/notFound``
    case tubeStatistics(TubeName)

    /// Reads the statistics of the store. → ``Outcome/store(_:)``
    case storeStatistics

    /// Reads the names of all tubes. → ``Outcome/tubes(_:)``
    case listTubes

    /// Counts the session in or out at a tube that it uses or watches. A tube with such sessions exists even if it is
    /// empty. The deltas are −1, 0 or 1. The tube is made if it does not exist. → ``Outcome/useCounted``
    case countUse(TubeName, using: Int, watching: Int)

    /// Ends a claim whose time to run is over: the task is pending again, and its number of timeouts grows by one. →
    /// ``Outcome/released``, ``Outcome/notFound`` if the session does not hold it any more
    case expire(TaskID)

    /// Ends the connection and releases claims: their tasks become pending again. → ``Outcome/disconnected(_:)``
    ///
    /// A store may release ``Batch/mostRows`` claims and leave the rest. The connection has ended once the outcome is
    /// another number.
    case disconnect(releasing: ReleasedClaims)

    /// Attaches the connection to a named session and moves its claims to the session. The session is made if it does
    /// not exist. → ``Outcome/attached(_:hasMore:)``
    ///
    /// From then on the connection's claims belong to the named session. A connection of any manager that was attached
    /// before is superseded: its operations on claims get ``Outcome/superseded``, and it ends without releasing a claim.
    ///
    /// A store may do this in steps, so that one batch concerns ``Batch/mostRows`` claims at most. `after` is `nil` in
    /// the first step. The next steps are for the claims of tasks after the last one that is known, or after task 0.
    /// Such a step is ``Outcome/superseded`` if another connection has attached to the session since.
    case attach(SessionName, after: TaskID? = nil)

    /// Deletes up to `limit` tasks of the tube that are pending, delayed or buried. → ``Outcome/cleared(_:)``, with
    /// fewer than `limit` if no more are left; ``Outcome/notFound`` if the tube does not exist.
    case clear(TubeName, TaskState, limit: Int)

    /// Ends the claim of a task, whichever session holds it: the task is pending again. No counter of the task grows. →
    /// ``Outcome/broken``, ``Outcome/notFound``
    case breakClaim(TaskID)

    /// Ends a named session, by its number: its claimed tasks become pending, and its connection is superseded. →
    /// ``Outcome/ended(_:)``, ``Outcome/notFound``
    ///
    /// A store may return ``Batch/mostRows`` claims and leave the rest. The session has ended once the outcome is
    /// another number.
    case endSession(Int64)

    /// Moves a task that no session holds to a tube, which is made if it does not exist. → ``Outcome/moved(_:)`` with 1,
    /// ``Outcome/notFound``
    ///
    /// The task keeps its id, its counters, its delay and its unique key, which stays a key of the tube of the put. A
    /// buried task becomes the last buried one of its new tube.
    case moveTask(TaskID, to: TubeName)

    /// Moves up to `limit` tasks that are pending, delayed or buried from a tube to another one, the first ones first. →
    /// ``Outcome/moved(_:)``, with fewer than `limit` if no more are left; ``Outcome/notFound`` if the tube does not
    /// exist.
    case moveTasks(from: TubeName, to: TubeName, TaskState, limit: Int)

    /// Changes a task that no session holds. → ``Outcome/edited``, ``Outcome/notFound``
    ///
    /// A buried task is not found if its delay is to be changed.
    case editTask(TaskID, TaskEdit)

    /// Tells all managers of a name whether to take new tasks. → ``Outcome/drainingSet``, ``Outcome/notFound`` if no
    /// manager has the name, or only managers of versions that cannot be told.
    ///
    /// They learn it in ``Store/maintain(at:)``, within a second.
    case setDraining(manager: String, Bool)

    /// Answers an operator's question. → ``Outcome/inspected(_:)``, ``Outcome/notFound``
    ///
    /// Inspections are in batches of their own. A store may refuse a batch that has other operations too, with
    /// ``StoreError/Code/refused``.
    indirect case inspect(InspectQuery)
}

/// The properties of actions that all stores and managers need.
extension Action {
    /// The only task that the action names; `nil` if it names no task.
    public var task: TaskID? {
        switch self {
        case .claimTask(let id), .delete(let id), .release(let id, _, _), .bury(let id, _), .touch(let id),
            .kickTask(let id), .peek(let id), .taskStatistics(let id), .expire(let id), .breakClaim(let id),
            .moveTask(let id, _), .editTask(let id, _):
            id
        case .put, .claim, .kick, .peekNext, .pause, .tubeStatistics, .storeStatistics, .listTubes, .countUse,
            .disconnect, .attach, .clear, .endSession, .moveTasks, .setDraining, .inspect:
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
    /// A connection may not do that if another connection is attached to its named session now.
    public var concernsClaims: Bool {
        switch self {
        case .claim, .claimTask: true
        default: claimedTask != nil
        }
    }

    /// Whether the action names a row that another program may have locked.
    public var mayMeetLock: Bool {
        switch self {
        case .claimTask, .delete, .release, .bury, .touch, .kickTask, .pause, .breakClaim, .moveTask, .editTask: true
        case .put(let task): task.key != nil
        default: false
        }
    }

    /// Whether the action changes nothing.
    public var isReadOnly: Bool {
        switch self {
        case .peek, .peekNext, .taskStatistics, .tubeStatistics, .storeStatistics, .listTubes, .inspect: true
        default: false
        }
    }

    /// The question, if the action answers one.
    public var query: InspectQuery? {
        if case .inspect(let query) = self { query } else { nil }
    }
}
