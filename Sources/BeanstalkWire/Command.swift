public import TaskStore

/// A command of a client (protocol.txt).
///
/// Numbers are as the client sent them; they are not rounded, and there are no default values.
///
/// A command that concerns only the store carries its ``TaskStore/Action``; `delete`, for example, is
/// `.store(.delete, .delete(id))`, which ``delete(_:)`` makes. The other cases also concern the connection.
public enum Command: Sendable, Equatable {
    /// `put <pri> <delay> <ttr> <bytes>`, or `put-unique` if there is a key, and the body.
    ///
    /// The parts are not one value: reading the body alone would copy all of it, which costs 300 instructions per put.
    case put(priority: UInt32, delay: UInt32, timeToRun: UInt32, body: [UInt8], key: UniqueKey? = nil)

    /// `use <tube>`
    case use(TubeName)

    /// `reserve`
    case reserve

    /// `reserve-with-timeout <seconds>`; at most 2³¹−1.
    case reserveWithTimeout(seconds: UInt32)

    /// `watch <tube>`
    case watch(TubeName)

    /// `ignore <tube>`
    case ignore(TubeName)

    /// `peek-ready`, `peek-delayed` or `peek-buried`; never ``TaskState/claimed``.
    case peekNext(TaskState)

    /// `kick <bound>`
    case kick(bound: UInt32)

    /// `list-tube-used`
    case listTubeUsed

    /// `list-tubes-watched`
    case listTubesWatched

    /// `quit`
    case quit

    /// `session <name>`: our own extension (docs/protocol.md).
    case session(SessionName)

    /// `clear-tube <tube> <state>`; never ``TaskState/claimed``: our own extension (docs/protocol.md).
    case clearTube(TubeName, TaskState)

    /// `move-tube <from> <to> <state> <limit>`; never ``TaskState/claimed``: our own extension (docs/protocol.md).
    case moveTube(from: TubeName, to: TubeName, TaskState, limit: UInt32)

    /// `end-session <number>`: our own extension (docs/protocol.md).
    case endSession(Int64)

    /// `auth <token>`: our own extension (docs/protocol.md). `nil` stands for a text that cannot be a token.
    case auth(AccessToken?)

    /// A command that the store carries out alone.
    case store(Verb, Action)

    /// The command's first word.
    public var verb: Verb {
        switch self {
        case .put(_, _, _, _, let key): key == nil ? .put : .putUnique
        case .use: .use
        case .reserve: .reserve
        case .reserveWithTimeout: .reserveWithTimeout
        case .watch: .watch
        case .ignore: .ignore
        case .peekNext(.pending): .peekReady
        case .peekNext(.delayed): .peekDelayed
        case .peekNext: .peekBuried
        case .kick: .kick
        case .listTubeUsed: .listTubeUsed
        case .listTubesWatched: .listTubesWatched
        case .quit: .quit
        case .session: .session
        case .clearTube: .clearTube
        case .moveTube: .moveTube
        case .endSession: .endSession
        case .auth: .auth
        case .store(let verb, _): verb
        }
    }
}
