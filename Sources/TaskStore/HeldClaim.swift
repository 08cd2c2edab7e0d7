/// A claim that a named session held when a connection was attached to it.
public struct HeldClaim: Sendable, Equatable {
    /// The task's number.
    public var id: TaskID

    /// The tube it came from.
    public var tube: TubeName

    /// The seconds for which the session may hold it, counted from a touch.
    public var timeToRun: UInt32

    /// Milliseconds until the claim ends.
    public var timeLeft: Int64

    /// Makes a held claim.
    public init(id: TaskID, tube: TubeName, timeToRun: UInt32, timeLeft: Int64) {
        self.id = id
        self.tube = tube
        self.timeToRun = timeToRun
        self.timeLeft = timeLeft
    }
}
