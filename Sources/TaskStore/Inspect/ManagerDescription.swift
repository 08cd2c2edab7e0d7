/// A manager as an operator sees it.
public struct ManagerDescription: Sendable, Equatable {
    /// Its number, which is never used again.
    public var id: ManagerID

    /// Its name, which other managers may have too.
    public var name: String

    /// The number of its event loop, from 0.
    ///
    /// A manager with several event loops has one description for each.
    public var lane: Int

    /// Its listening address.
    public var address: String

    /// The number of its process on its host.
    public var process: Int

    /// The name of its host; empty if its version does not tell.
    public var host: String

    /// Its version.
    public var version: String

    /// When it started.
    public var started: Timestamp

    /// When it last wrote its heartbeat.
    public var heartbeat: Timestamp

    /// The number of tasks that its connections hold, without those of named sessions.
    public var claims: Int

    /// Whether an operator has told it to take no more tasks; `nil` if its version cannot be told.
    public var isToldToDrain: Bool?

    /// The figures of its process, as of its last heartbeat.
    ///
    /// Those of the manager that answers are of this moment.
    public var figures: ManagerFigures

    /// Makes a description.
    public init(
        id: ManagerID,
        name: String,
        lane: Int,
        address: String,
        process: Int,
        host: String,
        version: String,
        started: Timestamp,
        heartbeat: Timestamp,
        claims: Int,
        isToldToDrain: Bool?,
        figures: ManagerFigures
    ) {
        self.id = id
        self.name = name
        self.lane = lane
        self.address = address
        self.process = process
        self.host = host
        self.version = version
        self.started = started
        self.heartbeat = heartbeat
        self.claims = claims
        self.isToldToDrain = isToldToDrain
        self.figures = figures
    }
}
