public import TaskStore

/// A task that was read without a claim.
public struct PeekedTask: Sendable, Hashable {
    /// The task's id.
    public var id: TaskID

    /// The body of the task.
    public var body: [UInt8]

    /// Creates a value from its parts.
    public init(id: TaskID, body: [UInt8]) {
        self.id = id
        self.body = body
    }
}
