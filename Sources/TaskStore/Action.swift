/// What a session can ask of the store.
public enum Action: Sendable, Equatable {
    /// Adds a task. → ``Outcome/inserted(_:)``, ``Outcome/storageFull``, and ``Outcome/exists(_:)`` if the task has a key and
    /// one with this key is or was there.
    case put(NewTask)

    /// Claims up to `count` pending tasks, smallest priority first and oldest first among equals, out of all `tubes`
    /// that are not paused. → ``Outcome/claimed(_:)`` with as many as there were.
    ///
    /// If `waits` is true and fewer than `count` were there, the session goes on waiting: the manager is subscribed to its
    /// tubes from this very transaction on (``Store/unsubscribe(from:)``), and the session's later operations in the batch
    /// are not run (``Outcome/heldBack``).
    case claim(tubes: [TubeName], count: Int, waits: Bool)

    /// Claims one task that is pending, delayed or buried, paused tube or not. → ``Outcome/claimed(_:)``,
    /// ``Outcome/notFound``
    case claimTask(TaskID)

    /// Deletes a task that the session holds, or that nobody holds. → ``Outcome/deleted``, ``Outcome/notFound``
    case delete(TaskID)

    /// Ends the session's claim: pending again, or delayed. → ``Outcome/released``, ``Outcome/notFound``
    case release(TaskID, priority: UInt32, delay: UInt32)

    /// Ends the session's claim and sets the task aside, last among its tube's buried ones. → ``Outcome/buried``,
    /// ``Outcome/notFound``
    case bury(TaskID, priority: UInt32)

    /// Starts the session's claim anew with its full time to run. → ``Outcome/touched``, ``Outcome/notFound``
    case touch(TaskID)

    /// Makes up to `bound` buried tasks of the tube pending, the longest buried first; if none is buried, delayed
    /// ones, the soonest first. → ``Outcome/kicked(_:)``
    ///
    /// If `state` is buried or delayed, only tasks in that state are kicked. So a kick that is done step by step stays
    /// with what it began with. A manager asks for no more than ``Batch/mostRows``.
    case kick(TubeName, bound: Int, from: TaskState? = nil)

    /// Makes one buried or delayed task pending. → ``Outcome/kicked(_:)`` with 1, ``Outcome/notFound``
    case kickTask(TaskID)

    /// Reads one task. → ``Outcome/found(_:body:)``, ``Outcome/notFound``
    case peek(TaskID)

    /// Reads the next task of a tube in a state that is not claimed: the one that a claim, the passing of time, or a kick
    /// would take first. → ``Outcome/found(_:body:)``, ``Outcome/notFound``
    case peekNext(TubeName, TaskState)

    /// Keeps the tube's pending tasks from being claimed for some seconds; 0 ends a pause.
    /// → ``Outcome/paused``, ``Outcome/notFound``
    case pause(TubeName, seconds: UInt32)

    /// Reads what is known of a task. → ``Outcome/task(_:)``, ``Outcome/notFound``
    case taskStatistics(TaskID)

    /// Reads what is known of a tube. → ``Outcome/tube(_:)``, ``Outcome/notFound``
    case tubeStatistics(TubeName)

    /// Reads what is known of the store. → ``Outcome/store(_:)``
    case storeStatistics

    /// Reads the names of all tubes. → ``Outcome/tubes(_:)``
    case listTubes

    /// Counts the session in or out as one that uses or watches a tube, which keeps the tube in being while it is empty.
    /// The deltas are −1, 0 or 1. The tube is made if it does not exist. → ``Outcome/referred``
    case refer(TubeName, using: Int, watching: Int)

    /// Ends a claim whose time to run is over: the task is pending again, with one timeout more.
    /// → ``Outcome/released``, ``Outcome/notFound`` where the session holds it no longer
    case expire(TaskID)

    /// Ends the connection: what it holds becomes pending again, unless it has taken up a named session, which keeps
    /// its claims until their time to run is over or somebody takes it up again. → ``Outcome/givenBack(_:)``
    ///
    /// A store may give back ``Batch/mostRows`` claims and leave the rest: the connection has ended once the outcome is
    /// another number.
    case giveBack

    /// Ends the connection and what it has: all it holds becomes pending again, also where that is a named session's.
    /// A named session that another connection has taken up stays as it is. → ``Outcome/givenBack(_:)``, as for
    /// ``giveBack``
    case giveBackAll

    /// Takes up a named session, made if it does not exist, and adds to it what the connection holds already.
    ///
    /// From then on the connection's claims are the named session's. Another connection that had it, at whichever
    /// manager, is displaced: its operations on claims get ``Outcome/displaced``, and it ends without giving anything
    /// back. → ``Outcome/tookUp(_:)``
    case takeUp(SessionName)

    /// Deletes up to `limit` tasks of the tube that are pending, delayed or buried. → ``Outcome/cleared(_:)``; fewer than
    /// `limit` where no more are left. ``Outcome/notFound`` where there is no such tube.
    case clear(TubeName, TaskState, limit: Int)
}
