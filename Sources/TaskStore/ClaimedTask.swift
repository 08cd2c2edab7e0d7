/// A task as a consumer receives it.
public struct ClaimedTask: Sendable, Equatable {
    /// The task's number.
    public var id: TaskID

    /// The tube it came from.
    public var tube: TubeName

    /// The seconds for which the session may hold it, counted from the claim and again from each touch.
    public var timeToRun: UInt32

    /// The body as it was put.
    public var body: [UInt8]

    /// Makes a claimed task.
    public init(id: TaskID, tube: TubeName, timeToRun: UInt32, body: [UInt8]) {
        self.id = id
        self.tube = tube
        self.timeToRun = timeToRun
        self.body = body
    }
}
