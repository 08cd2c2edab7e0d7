/// A set of kinds of replies.
package struct ReplySet: OptionSet, Sendable {
    package let rawValue: UInt64

    package init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    package static let inserted = ReplySet(rawValue: 1 << 0)
    package static let buriedTask = ReplySet(rawValue: 1 << 1)
    package static let expectedCRLF = ReplySet(rawValue: 1 << 2)
    package static let jobTooBig = ReplySet(rawValue: 1 << 3)
    package static let draining = ReplySet(rawValue: 1 << 4)
    package static let using = ReplySet(rawValue: 1 << 5)
    package static let reserved = ReplySet(rawValue: 1 << 6)
    package static let deadlineSoon = ReplySet(rawValue: 1 << 7)
    package static let timedOut = ReplySet(rawValue: 1 << 8)
    package static let deleted = ReplySet(rawValue: 1 << 9)
    package static let released = ReplySet(rawValue: 1 << 10)
    package static let buried = ReplySet(rawValue: 1 << 11)
    package static let touched = ReplySet(rawValue: 1 << 12)
    package static let watching = ReplySet(rawValue: 1 << 13)
    package static let notIgnored = ReplySet(rawValue: 1 << 14)
    package static let found = ReplySet(rawValue: 1 << 15)
    package static let kicked = ReplySet(rawValue: 1 << 16)
    package static let kickedTask = ReplySet(rawValue: 1 << 17)
    package static let ok = ReplySet(rawValue: 1 << 18)
    package static let paused = ReplySet(rawValue: 1 << 19)
    package static let notFound = ReplySet(rawValue: 1 << 20)
    package static let outOfMemory = ReplySet(rawValue: 1 << 21)
    package static let internalError = ReplySet(rawValue: 1 << 22)
    package static let badFormat = ReplySet(rawValue: 1 << 23)
    package static let unknownCommand = ReplySet(rawValue: 1 << 24)
    package static let session = ReplySet(rawValue: 1 << 25)
    package static let sessionTaken = ReplySet(rawValue: 1 << 26)
    package static let exists = ReplySet(rawValue: 1 << 27)
    package static let cleared = ReplySet(rawValue: 1 << 28)
    package static let broken = ReplySet(rawValue: 1 << 29)
    package static let ended = ReplySet(rawValue: 1 << 30)
    package static let serving = ReplySet(rawValue: 1 << 31)
    package static let movedTask = ReplySet(rawValue: 1 << 32)
    package static let moved = ReplySet(rawValue: 1 << 33)
    package static let edited = ReplySet(rawValue: 1 << 34)
    package static let authenticated = ReplySet(rawValue: 1 << 35)
    package static let unauthorized = ReplySet(rawValue: 1 << 36)
    package static let forbidden = ReplySet(rawValue: 1 << 37)

    /// The replies to all commands (protocol.txt, "The error conditions"), and those about rights.
    package static let always: ReplySet = [
        .outOfMemory, .internalError, .badFormat, .unknownCommand, .unauthorized, .forbidden,
    ]

    /// The replies to a put.
    static let put: ReplySet = [.inserted, .buriedTask, .expectedCRLF, .jobTooBig, .draining]

    /// The replies to a command that claims the next task.
    static let reserve: ReplySet = [.reserved, .deadlineSoon, .timedOut, .sessionTaken]
}

extension Reply {
    /// Returns whether this can be the answer to a command (protocol.txt).
    ///
    /// If not, answers and commands are out of step.
    package func answers(_ verb: Verb) -> Bool {
        !kind.isDisjoint(with: verb.traits.replies.union(.always))
    }

    /// The kind of this reply.
    package var kind: ReplySet {
        switch self {
        case .inserted: .inserted
        case .buriedTask: .buriedTask
        case .expectedCRLF: .expectedCRLF
        case .jobTooBig: .jobTooBig
        case .draining: .draining
        case .using: .using
        case .reserved: .reserved
        case .deadlineSoon: .deadlineSoon
        case .timedOut: .timedOut
        case .deleted: .deleted
        case .released: .released
        case .buried: .buried
        case .touched: .touched
        case .watching: .watching
        case .notIgnored: .notIgnored
        case .found: .found
        case .kicked: .kicked
        case .kickedTask: .kickedTask
        case .ok: .ok
        case .paused: .paused
        case .notFound: .notFound
        case .outOfMemory: .outOfMemory
        case .internalError: .internalError
        case .badFormat: .badFormat
        case .unknownCommand: .unknownCommand
        case .session: .session
        case .sessionTaken: .sessionTaken
        case .exists: .exists
        case .cleared: .cleared
        case .broken: .broken
        case .ended: .ended
        case .serving: .serving
        case .movedTask: .movedTask
        case .moved: .moved
        case .edited: .edited
        case .authenticated: .authenticated
        case .unauthorized: .unauthorized
        case .forbidden: .forbidden
        }
    }
}
