/// The shared database behind the managers, as one manager sees it.
///
/// Every manager process opens one store object and is its only user. All that the managers have in common (tasks,
/// tubes, pauses, counts) is behind this protocol and nowhere else. A manager keeps in memory only what its own
/// connections need.
///
/// ### Batches
/// A manager collects the commands of its connections in a ``Batch``, runs it as **one** transaction, makes it durable,
/// and only then answers. The transactions of all managers have one order; each sees all changes of those before it. A
/// networked store should need at most two round trips per batch.
///
/// ### Threads
/// A store is used from one thread at a time and blocks it: a manager calls it on its event loop, never on the shared
/// concurrency pool. Only the handler given to ``observeChanges(_:)`` is called from other threads.
///
/// ### Other managers
/// They may commit between any two calls. A task that this manager's sessions hold can only be taken away by the
/// operator's SQL or, once this process is dead, by a peer's ``maintain(at:)``. If managers are on several hosts, a
/// manager that cannot reach the store counts as dead after a while. It learns that with its next batch
/// (``BatchResult/hasLostClaims``), and until then none of its operations on claims succeeds.
public protocol Store: AnyObject {
    /// The number of this manager in the store, from opening to ``leave()``. It gets another number if it was taken for
    /// dead. Sessions that were opened before then count as sessions of the new number.
    var manager: ManagerID { get }

    /// Runs a batch as one transaction, in order.
    ///
    /// Ends delays and pauses that are over by `batch.now` first, a bounded number of them. If
    /// ``BatchResult/nextEvent`` is not after `now`, run another batch.
    ///
    /// - Parameter batch: the operations; may be empty, to let time pass.
    /// - Returns: an outcome for each operation. If ``BatchResult/needsDurability`` is true, no answer may leave before
    ///   ``makeDurable()`` has returned.
    /// - Throws: ``StoreError``; then the batch has changed nothing, unless the code is ``StoreError/Code/unknown`` or
    ///   ``StoreError/Code/lost``.
    func run(_ batch: Batch) throws(StoreError) -> BatchResult

    /// Returns once all batches that this manager has run would survive a power failure.
    ///
    /// - Throws: ``StoreError`` with ``StoreError/Code/lost``: the state of the disk is unknown, nothing may be
    ///   acknowledged, and the manager must stop.
    func makeDurable() throws(StoreError)

    /// Ends this manager's subscription to a tube, for which none of its sessions waits any more.
    ///
    /// A claim that waits subscribes to its tubes inside its transaction, so that no commit can slip between. From then on
    /// the manager is told when others make tasks of the tube pending (``observeChanges(_:)``).
    func unsubscribe(from tube: TubeName)

    /// Sets the handler that is called when there is news.
    ///
    /// Calls come from the store's own threads. Several changes that come close together may be one call. Some calls
    /// have no cause.
    ///
    /// - Parameter handler: must return at once.
    func observeChanges(_ handler: @escaping @Sendable (StoreChange) -> Void)

    /// Asks for a call with ``StoreChange/written`` at the next write of any process, also of this manager.
    ///
    /// There is one call per question. The write may be committed a little later, or never. So ask
    /// ``hasChangedElsewhere()`` a few times after the call, and rarely at other times.
    ///
    /// - Returns: whether the call will come. If not, ``hasChangedElsewhere()`` has to be asked often.
    func announceNextWrite() -> Bool

    /// Returns whether another process has committed since the last question; cheap, so that it can be asked often.
    ///
    /// It finds what ``observeChanges(_:)`` may miss: it also sees the commits of other programs.
    func hasChangedElsewhere() throws(StoreError) -> Bool

    /// Returns what other managers have announced since the last call. Call it after ``StoreChange/pending``.
    ///
    /// - Returns: the news; `nil` if the store knows only that there may be some.
    /// - Throws: ``StoreError``, as ``run(_:)``.
    func takeNews() throws(StoreError) -> News?

    /// Looks for tasks for the sessions that wait, whichever program has put them.
    ///
    /// It reads once per subscribed tube, and no other manager has to wait for it.
    ///
    /// - Returns: what it found; `nil` if the store cannot look.
    /// - Throws: ``StoreError``, as ``run(_:)``.
    func lookForNews() throws(StoreError) -> News?

    /// Keeps figures of this manager's process, which the other managers show as of the next heartbeat, and
    /// ``InspectQuery/managers`` through this manager at once.
    func publish(_ figures: ManagerFigures)

    /// Does the regular work: shows that this manager lives, returns the claims of managers that died, maintains the
    /// files.
    ///
    /// Call it about every half second; this interval decides how fast dead managers are noticed.
    ///
    /// - Parameter now: the present time.
    /// - Returns: what was found.
    /// - Throws: ``StoreError``, as ``run(_:)``; after ``StoreError/Code/busy`` call it again soon.
    func maintain(at now: Timestamp) throws(StoreError) -> Maintenance

    /// Leaves the store: removes this manager's rows and closes. The tasks that its sessions still hold become pending.
    ///
    /// No other call may follow.
    func leave() throws(StoreError)
}

extension Store {
    /// Returns `false`: this store cannot announce writes.
    public func announceNextWrite() -> Bool { false }

    /// Returns `nil`: the managers of this store announce only that there may be news.
    public func takeNews() throws(StoreError) -> News? { nil }

    /// Does nothing: no other manager shows the figures.
    public func publish(_ figures: ManagerFigures) {}

    /// Returns `nil`: every session that waits has to try.
    public func lookForNews() throws(StoreError) -> News? { nil }
}

/// A change that a store reports to a manager by itself.
public enum StoreChange: Sendable {
    /// Another manager may have made tasks of a subscribed tube pending; reported soon after its commit.
    case pending

    /// A process writes, as asked for by ``Store/announceNextWrite()``.
    case written
}

/// The report of ``Store/maintain(at:)``.
public struct Maintenance: Sendable, Equatable {
    /// Managers that were found dead, with the number of claims that this call returned for each.
    public var recovered: [DeadManager]

    /// Managers that live but do nothing, with the number of overdue claims that were ended for each.
    public var endedForSilent: [SilentManager] = []

    /// Whether there is more to do.
    ///
    /// Other managers must not wait for it, so another call has to follow after this manager has read its sockets.
    public var isUnfinished = false

    /// Lines for the log that a person should see, one per cause.
    public var warnings: [String]

    /// Whether all claims that this manager's sessions had are lost; see ``BatchResult/hasLostClaims``.
    public var hasLostClaims = false

    /// Whether an operator has told this manager to take no more tasks, see ``Action/setDraining(manager:_:)``; `nil` if
    /// the call did not find out.
    public var isToldToDrain: Bool?

    /// The managers that are in the store, this one among them, by number; `nil` if the call did not read them.
    public var managers: [ManagerID: String]?

    /// Whether the returned claims may be of use to sessions that wait.
    public var madePending: Bool { recovered.contains { $0.claims > 0 } || !endedForSilent.isEmpty }

    /// Makes a report.
    public init(recovered: [DeadManager] = [], warnings: [String] = []) {
        self.recovered = recovered
        self.warnings = warnings
    }
}

extension Maintenance {
    /// Compares what was found and done.
    ///
    /// The managers that are there, and what they are told, are not part of it.
    public static func == (one: Maintenance, other: Maintenance) -> Bool {
        one.recovered == other.recovered && one.endedForSilent == other.endedForSilent
            && one.isUnfinished == other.isUnfinished && one.warnings == other.warnings
            && one.hasLostClaims == other.hasLostClaims
    }
}

/// A manager that died without leaving the store.
public struct DeadManager: Sendable, Equatable {
    /// The number it had.
    public var id: ManagerID

    /// The name it had.
    public var name: String

    /// How many of its claims became pending.
    public var claims: Int

    /// Makes a report of a dead manager.
    public init(id: ManagerID, name: String, claims: Int) {
        self.id = id
        self.name = name
        self.claims = claims
    }
}

/// A manager whose process lives but whose event loop makes no progress: it is stopped, or it hangs.
public struct SilentManager: Sendable, Equatable {
    /// Its name.
    public var name: String

    /// How many of its overdue claims were ended.
    public var claims: Int

    /// Makes a report of a silent manager.
    public init(name: String, claims: Int) {
        self.name = name
        self.claims = claims
    }
}
