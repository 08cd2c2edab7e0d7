import TaskStore

/// The line of a put, whose body is still to come.
struct PutHeader {
    /// The task without its body.
    var task: NewTask

    /// The body's length in bytes.
    var size: Int

    /// Whether something stood behind the last number, which is looked at only after the size.
    var hasTrailingBytes: Bool

    /// What the put counts as in the statistics.
    var verb: Verb { task.key == nil ? .put : .putUnique }

    /// The command with its body.
    func command(with body: [UInt8]) -> Command {
        var task = task
        task.body = body
        return .put(task)
    }
}
