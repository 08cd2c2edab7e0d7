/// The outcome of one ``Operation``.
public enum Outcome: Sendable, Equatable {
    /// The task was added under this number.
    case inserted(TaskID)

    /// There is no room for the task; nothing of it was stored.
    case storageFull

    /// The session holds these tasks now, in the order in which they are to be handed out.
    case claimed([ClaimedTask])

    /// The task is gone.
    case deleted

    /// The claim ended and the task is pending or delayed.
    case released

    /// The claim ended and the task is buried.
    case buried

    /// The claim has its full time to run again.
    case touched

    /// The number of tasks that became pending.
    case kicked(Int)

    /// The task and its body.
    case found(TaskID, body: [UInt8])

    /// The task exists, but its body is damaged; it is not handed out.
    case damaged

    /// The tube is paused.
    case paused

    /// The statistics of a task.
    case task(TaskStatistics)

    /// The statistics of a tube.
    case tube(TubeStatistics)

    /// The statistics of the store.
    case store(StoreStatistics)

    /// The names of all tubes, in the order in which they were made.
    case tubes([TubeName])

    /// The session was counted.
    case useCounted

    /// The number of claims that the end of the connection released. It holds no task any more, unless the number is
    /// ``Batch/mostRows``.
    case disconnected(Int)

    /// The connection is attached to the named session now, which holds these claims, in the order of their tasks.
    ///
    /// If `hasMore` is true, the connection may have claims that it has not brought to the session yet, or the session
    /// may have more claims: another step has to follow.
    case attached([HeldClaim], hasMore: Bool = false)

    /// Another connection is attached to the named session of this one; nothing was done.
    case superseded

    /// The tube has a task with the key, or recently had one.
    case exists(TaskID)

    /// The number of tasks that were deleted.
    case cleared(Int)

    /// The claim has ended and the task is pending.
    case broken

    /// The number of tasks of a named session that became pending. The session has ended, unless the number is
    /// ``Batch/mostRows``.
    case ended(Int)

    /// The number of tasks that are in another tube now.
    case moved(Int)

    /// The task was changed.
    case edited

    /// The managers will learn whether to take new tasks.
    case drainingSet

    /// The answer to an operator's question.
    indirect case inspected(Inspection)

    /// There is no such task or tube, or the session may not change it.
    case notFound

    /// The operation has changed nothing, for this reason. Other operations of the batch may have been carried out.
    ///
    /// No store returns it. It comes from a manager that runs a batch in parts, see ``StoreError/Code/refused``.
    case undone(StoreError.Code)

    /// The operation was not run, since an earlier operation of the same session in the batch still waits: a claim, or
    /// an operation that was ``locked``.
    case deferred

    /// The operation was not run, since another program's transaction has locked a row that it needs. Ask again a
    /// little later.
    case locked

    /// The operation was not run, and asking again does not help: it was ``locked`` for too long, or the store cannot
    /// do it at all.
    case failed
}

extension Outcome {
    /// Whether a power failure must not undo the operation, so that it is made durable before the answer.
    ///
    /// This is not needed for ``disconnected(_:)``: a power failure ends the connection too.
    public var mustBeDurable: Bool {
        switch self {
        case .inserted, .deleted, .released, .buried, .touched, .paused, .exists, .attached, .broken, .ended, .edited,
            .drainingSet:
            true
        case .cleared(let count), .kicked(let count), .moved(let count): count > 0
        case .claimed(let tasks): !tasks.isEmpty
        default: false
        }
    }
}
