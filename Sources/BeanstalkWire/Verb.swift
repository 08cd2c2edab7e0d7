/// The first word of a command.
///
/// One row in ``Verb/traits`` has all that parser, encoder, counters, batches and replies need of a verb.
public enum Verb: UInt8, Sendable, Hashable, CaseIterable {
    /// Adds a task.
    case put
    /// Sets the tube for puts.
    case use
    /// Claims a task, and waits without a limit.
    case reserve
    /// Claims a task, and waits for some seconds.
    case reserveWithTimeout
    /// Claims one task by its id.
    case reserveJob
    /// Removes a task.
    case delete
    /// Returns a claimed task.
    case release
    /// Sets a claimed task aside.
    case bury
    /// Asks for more time.
    case touch
    /// Adds a tube to the watch list.
    case watch
    /// Removes a tube from the watch list.
    case ignore
    /// Reads a task.
    case peek
    /// Reads the next pending task.
    case peekReady
    /// Reads the next delayed task.
    case peekDelayed
    /// Reads the next buried task.
    case peekBuried
    /// Makes buried or delayed tasks pending.
    case kick
    /// Makes one buried or delayed task pending.
    case kickJob
    /// Reads the statistics of a task.
    case statsJob
    /// Reads the statistics of a tube.
    case statsTube
    /// Reads the statistics of the server.
    case stats
    /// Reads the names of all tubes.
    case listTubes
    /// Reads the tube for puts.
    case listTubeUsed
    /// Reads the watch list.
    case listTubesWatched
    /// Stops claims from a tube for some seconds.
    case pauseTube
    /// Closes the connection.
    case quit
    /// Attaches the connection to a session that outlives it: our own extension (docs/protocol.md).
    case session
    /// Adds a task unless one with the same key was added before: our own extension (docs/protocol.md).
    case putUnique
    /// Deletes all tasks of a tube that are in one state: our own extension (docs/protocol.md).
    case clearTube
}

extension Verb {
    /// The word on the wire.
    public var name: String { "\(traits.name)" }

    /// The right that a client needs; `nil` for verbs that every client may use.
    public var right: Right? { traits.right }

    /// Whether the answer may have a task, which must not be lost on the way to the client.
    public var claims: Bool { traits.replies.contains(.reserved) }
}
