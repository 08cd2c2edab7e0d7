package import TaskStore

/// One row of the table of verbs: all that is known of a verb apart from what it does.
package struct VerbTraits: Sendable {
    /// What stands behind a verb on the wire, and what command it makes.
    package enum Arguments: Sendable {
        /// Nothing: the verb is the whole line.
        case none(Command)

        /// Nothing that matters: whatever follows is ignored.
        case ignored(Command)

        /// The id of a task.
        case task(@Sendable (TaskID) -> Action)

        /// The name of a tube.
        case tube(@Sendable (TubeName) -> Command)

        /// Arguments that ``CommandLineParser`` and ``NIOCore/ByteBuffer/writeCommand(_:)`` know for this verb alone.
        case own
    }

    /// What has to be known to build a batch and to answer.
    package struct Rules: OptionSet, Sendable {
        package let rawValue: UInt8

        package init(rawValue: UInt8) {
            self.rawValue = rawValue
        }

        /// Commands of the same session may not follow it in one batch: its outcome decides how they are carried out, or
        /// whether they are.
        package static let endsBatch = Rules(rawValue: 1)

        /// The command can be in a batch behind a claim of the same session that may come to wait.
        ///
        /// The store holds such a command back if the claim waits, and it goes back into the queue. Commands that are
        /// answered without the store, or that change the session itself, would have happened by then.
        package static let canBeHeldBack = Rules(rawValue: 2)

        /// The answer names tubes, of which there may be any number: no more bodies come in the same batch.
        package static let answersWithList = Rules(rawValue: 4)

        /// The store has to look at all tubes for it.
        package static let looksAtAllTubes = Rules(rawValue: 8)
    }

    /// The word on the wire.
    package let name: StaticString

    /// What follows it.
    package let arguments: Arguments

    /// The right that a client needs; nil for what every client may do.
    package let right: Right?

    /// The replies it may get, besides those that every command may get.
    package let replies: ReplySet

    /// What has to be known to build a batch and to answer.
    package let rules: Rules

    /// Whether a command that changes something is worth a line in the audit log: all that need ``Right/admin``.
    package var isAudited: Bool { right == .admin }

    /// Whether the answer may carry a body, which bounds how many of them one batch answers.
    package var mayAnswerWithBody: Bool { !replies.isDisjoint(with: [.reserved, .found]) }

    init(_ name: StaticString, _ arguments: Arguments, _ right: Right?, _ replies: ReplySet, _ rules: Rules = []) {
        self.name = name
        self.arguments = arguments
        self.right = right
        self.replies = replies
        self.rules = rules
    }
}
