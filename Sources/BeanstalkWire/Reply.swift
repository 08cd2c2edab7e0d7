public import TaskStore

/// A reply of the server (protocol.txt).
public enum Reply: Sendable, Equatable {
    /// `INSERTED <id>`
    case inserted(TaskID)

    /// `BURIED <id>`: put, but buried for lack of memory. Known to clients; our managers never send it.
    case buriedTask(TaskID)

    /// `EXPECTED_CRLF`
    case expectedCRLF

    /// `JOB_TOO_BIG`
    case jobTooBig

    /// `DRAINING`
    case draining

    /// `USING <tube>`
    case using(TubeName)

    /// `RESERVED <id> <bytes>` and the body.
    case reserved(TaskID, body: [UInt8])

    /// `DEADLINE_SOON`
    case deadlineSoon

    /// `TIMED_OUT`
    case timedOut

    /// `DELETED`
    case deleted

    /// `RELEASED`
    case released

    /// `BURIED`
    case buried

    /// `TOUCHED`
    case touched

    /// `WATCHING <count>`
    case watching(Int)

    /// `NOT_IGNORED`
    case notIgnored

    /// `FOUND <id> <bytes>` and the body.
    case found(TaskID, body: [UInt8])

    /// `KICKED <count>`
    case kicked(Int)

    /// `KICKED`
    case kickedTask

    /// `OK <bytes>` and the data: YAML, or JSON for `inspect`.
    case ok([UInt8])

    /// `PAUSED`
    case paused

    /// `NOT_FOUND`
    case notFound

    /// `OUT_OF_MEMORY`
    case outOfMemory

    /// `INTERNAL_ERROR`
    case internalError

    /// `BAD_FORMAT`
    case badFormat

    /// `UNKNOWN_COMMAND`
    case unknownCommand

    /// `SESSION <count>`: this connection has the session now. The number is that of the session's claims.
    case session(claims: Int)

    /// `SESSION_TAKEN`: another connection is attached to the session of this one now.
    case sessionTaken

    /// `EXISTS <id>`: a task with this key was put before.
    case exists(TaskID)

    /// `CLEARED <count>`
    case cleared(Int)

    /// `BROKEN`: the claim has ended.
    case broken

    /// `ENDED`: the session has ended.
    case ended

    /// `SERVING`: the manager takes tasks again.
    case serving

    /// `MOVED`: one task is in another tube.
    case movedTask

    /// `MOVED <count>`: this number of tasks is in another tube.
    case moved(Int)

    /// `EDITED`: the task was changed.
    case edited

    /// `AUTHENTICATED`: the client is known now, and may send commands.
    case authenticated

    /// `UNAUTHORIZED`: the client has to send `auth` first, the manager does not know its token, or it was known
    /// already. The manager closes the connection.
    case unauthorized

    /// `FORBIDDEN`: the client has no right to do this in this tube. Nothing was done.
    case forbidden
}
