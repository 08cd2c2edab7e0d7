import TaskStore

/// The line of a put whose body has not arrived yet.
struct PutHeader {
    /// The task's priority.
    var priority: UInt32

    /// Seconds before the task becomes pending.
    var delay: UInt32

    /// The seconds for which a consumer may hold the task, as sent.
    var timeToRun: UInt32

    /// The body's length in bytes.
    var size: Int

    /// Whether there were bytes behind the last number; checked only after the size.
    var hasTrailingBytes: Bool

    /// The key of a put-unique.
    var key: UniqueKey?

    /// The verb as which the put is counted in the statistics.
    var verb: Verb { key == nil ? .put : .putUnique }

    /// Returns the command with its body.
    func command(with body: [UInt8]) -> Command {
        .put(priority: priority, delay: delay, timeToRun: timeToRun, body: body, key: key)
    }
}
