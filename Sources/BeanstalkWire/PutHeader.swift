import TaskStore

/// The line of a put, whose body is still to come.
struct PutHeader {
    /// The task's priority.
    var priority: UInt32

    /// Seconds before the task becomes pending.
    var delay: UInt32

    /// Seconds a consumer may hold it, as sent.
    var timeToRun: UInt32

    /// The body's length in bytes.
    var size: Int

    /// Whether something stood behind the last number, which is looked at only after the size.
    var hasTrailingBytes: Bool

    /// The key of a put-unique.
    var key: UniqueKey?

    /// What the put counts as in the statistics.
    var verb: Verb { key == nil ? .put : .putUnique }

    /// Returns the command with its body.
    func command(with body: [UInt8]) -> Command {
        .put(priority: priority, delay: delay, timeToRun: timeToRun, body: body, key: key)
    }
}
