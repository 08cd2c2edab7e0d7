/// What became of one ``Operation``.
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

    /// So many tasks became pending.
    case kicked(Int)

    /// The task and its body.
    case found(TaskID, body: [UInt8])

    /// The task is there, but its body is not what was put; it is not handed out.
    case damaged

    /// The tube is paused.
    case paused

    /// What is known of a task.
    case task(TaskStatistics)

    /// What is known of a tube.
    case tube(TubeStatistics)

    /// What is known of the store.
    case store(StoreStatistics)

    /// The names of all tubes, in the order in which they came to be.
    case tubes([TubeName])

    /// The session was counted.
    case referred

    /// So many tasks became pending. The session holds nothing any more, unless it were exactly ``Batch/mostRows``.
    case givenBack(Int)

    /// The connection has the named session now, with these claims in it.
    case tookUp([HeldClaim])

    /// Another connection has taken up the session that this one had; nothing was done.
    case displaced

    /// A task with the key is there, or was.
    case exists(TaskID)

    /// So many tasks are gone.
    case cleared(Int)

    /// No such task or tube, or not one that the session may change.
    case notFound

    /// Nothing of it has happened, for this reason; other operations of the batch may have.
    ///
    /// No store returns it: a manager does that runs a batch in parts, see ``StoreError/Code/refused``.
    case undone(StoreError.Code)

    /// Not run, since an earlier operation of the same session in the batch still waits: a claim, or one that was
    /// ``locked``.
    case heldBack

    /// Not run, since another program's transaction has locked what the operation names. Ask again a little later.
    case locked

    /// Not run, and asking again does not help: it was ``locked`` for too long, or the store cannot do it at all.
    case failed
}

extension Outcome {
    /// Whether a power cut must not undo what has happened, so that it is made durable before it is told.
    ///
    /// Not so for ``givenBack(_:)``: a power cut ends the connection too.
    public var mustBeDurable: Bool {
        switch self {
        case .inserted, .deleted, .released, .buried, .touched, .paused, .exists, .tookUp: true
        case .cleared(let count), .kicked(let count): count > 0
        case .claimed(let tasks): !tasks.isEmpty
        default: false
        }
    }
}
