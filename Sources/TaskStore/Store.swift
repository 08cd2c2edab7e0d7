/// The shared database behind the managers, as one manager sees it.
///
/// Every manager process opens one store object and is its only user. What the managers have in common (tasks, tubes,
/// pauses, counts) lives behind this protocol and nowhere else; what a manager keeps in memory is only what its own
/// connections need.
///
/// ### Batches
/// A manager gathers what its connections ask for into a ``Batch``, runs it as **one** transaction, makes it durable, and
/// only then answers. Transactions of all managers have one order; each sees everything of those before it. A networked
/// store should need no more than two round trips for a batch.
///
/// ### Threads
/// A store is used from one thread at a time and blocks it: a manager calls it on its event loop, never on the shared
/// concurrency pool. The handler given to ``observeChanges(_:)`` is the only thing called from elsewhere.
///
/// ### Other managers
/// They may commit between any two calls. A task that this manager's sessions hold can only be taken away by the
/// operator's SQL or, once this process is dead, by a peer's ``maintain(at:)``. Where managers are on several hosts, one
/// that is cut off from the store counts as dead after a while; it finds that out with its next batch
/// (``BatchResult/claimsWereLost``), and no operation of it on a claim succeeds in between.
public protocol Store: AnyObject {
    /// The number this manager has in the store, from opening to ``leave()``; it gets another one where it was taken for
    /// dead. Sessions opened before are taken to be those of the new number.
    var manager: ManagerID { get }

    /// Runs a batch as one transaction, in order.
    ///
    /// Delays and pauses that have ended by `batch.now` are ended first, at most a bounded number of them: where
    /// ``BatchResult/nextEvent`` is not after `now`, run another batch.
    ///
    /// - Parameter batch: the operations; may be empty, to let time pass.
    /// - Returns: an outcome for each operation. Nothing of it may be told to anybody before ``makeDurable()`` has
    ///   returned, if ``BatchResult/needsDurability`` says so.
    /// - Throws: ``StoreError``; then nothing of the batch has happened, unless the code is ``StoreError/Code/unknown`` or
    ///   ``StoreError/Code/lost``.
    func run(_ batch: Batch) throws(StoreError) -> BatchResult

    /// Returns once all that this manager has run would survive a power cut.
    ///
    /// - Throws: ``StoreError`` with ``StoreError/Code/lost``: nobody knows what is on the disk, nothing may be
    ///   acknowledged, and the manager must stop.
    func makeDurable() throws(StoreError)

    /// Ends this manager's subscription to a tube, for which none of its sessions waits any more.
    ///
    /// A claim that waits subscribes to its tubes inside its transaction, so that no commit can slip between. From then on
    /// the manager is told when others make tasks of the tube pending (``observeChanges(_:)``).
    func unsubscribe(from tube: TubeName)

    /// Sets who is called when there is news.
    ///
    /// Calls come from threads of the store's own, several changes as one call where they come close together, sometimes
    /// without cause.
    ///
    /// - Parameter handler: must return at once.
    func observeChanges(_ handler: @escaping @Sendable (StoreChange) -> Void)

    /// Asks for a call with ``StoreChange/written`` when anybody, this manager too, writes next.
    ///
    /// One call for each question. What is written may be committed a little later or never, so ``hasChangedElsewhere()``
    /// has to be asked a few times then, and seldom at all times.
    ///
    /// - Returns: whether it is going to come; where it is not, ``hasChangedElsewhere()`` has to be asked often.
    func announceNextWrite() -> Bool

    /// Whether anybody else has committed since the last question; cheap, made to be asked often.
    ///
    /// It is the net under ``observeChanges(_:)``: it also sees what somebody writes with other programs.
    func hasChangedElsewhere() throws(StoreError) -> Bool

    /// Returns what other managers have announced since the last call; to be called after ``StoreChange/pending``.
    ///
    /// - Returns: the news; nil if the store does not know more than that there may be some.
    /// - Throws: ``StoreError``, as ``run(_:)``.
    func takeNews() throws(StoreError) -> News?

    /// Looks what there is for the sessions that wait, of whichever program.
    ///
    /// It reads once for each tube that is awaited, and keeps no other manager waiting.
    ///
    /// - Returns: what there is; nil if the store cannot look.
    /// - Throws: ``StoreError``, as ``run(_:)``.
    func lookForNews() throws(StoreError) -> News?

    /// Does what has to be done from time to time: shows that this manager lives, returns the claims of managers that
    /// died, keeps the files in shape.
    ///
    /// To be called every half second or so; that is how fast dead managers are noticed.
    ///
    /// - Parameter now: what time it is.
    /// - Returns: what was found.
    /// - Throws: ``StoreError``, as ``run(_:)``; with ``StoreError/Code/busy`` it is to be called again soon.
    func maintain(at now: Timestamp) throws(StoreError) -> Maintenance

    /// Leaves: removes this manager's traces and closes. Claims that its sessions still have become pending.
    ///
    /// No other call may follow.
    func leave() throws(StoreError)
}

extension Store {
    /// Returns false: this store cannot announce writes.
    public func announceNextWrite() -> Bool { false }

    /// Returns nil: this store's managers announce no more than that there is something.
    public func takeNews() throws(StoreError) -> News? { nil }

    /// Returns nil: every session that waits has to try.
    public func lookForNews() throws(StoreError) -> News? { nil }
}

/// What a store tells a manager of by itself.
public enum StoreChange: Sendable {
    /// Another manager may have made an awaited tube's tasks pending; told soon after its commit.
    case pending

    /// Somebody writes, as asked for by ``Store/announceNextWrite()``.
    case written
}

/// What ``Store/maintain(at:)`` did that others may care about.
public struct Maintenance: Sendable, Equatable {
    /// Managers found dead, by the names they had, with how many claims of each were returned in this call.
    public var recovered: [DeadManager]

    /// Claims that were overdue and have been ended for managers that live but do nothing: their names, and how many of each.
    public var endedForSilent: [SilentManager] = []

    /// Whether there is more to do of which the other managers are not to be kept waiting: another call is to follow once
    /// this manager has looked at its clients.
    public var isUnfinished = false

    /// Lines for the log that a person should see, each said once for each cause.
    public var warnings: [String]

    /// Whether all claims that this manager's sessions had are lost; see ``BatchResult/claimsWereLost``.
    public var claimsWereLost = false

    /// Whether claims returned may be of use for sessions that wait.
    public var madePending: Bool { recovered.contains { $0.claims > 0 } || !endedForSilent.isEmpty }

    /// Makes a report.
    public init(recovered: [DeadManager] = [], warnings: [String] = []) {
        self.recovered = recovered
        self.warnings = warnings
    }
}

/// A manager that died without leaving.
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

/// A manager whose process lives and whose event loop does not come round: stopped, or hung.
public struct SilentManager: Sendable, Equatable {
    /// Its name.
    public var name: String

    /// How many of its claims were overdue and have been ended.
    public var claims: Int

    /// Makes a report of a silent manager.
    public init(name: String, claims: Int) {
        self.name = name
        self.claims = claims
    }
}
