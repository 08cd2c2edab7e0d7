/// One row of the table of verbs: all that is known of a verb apart from what it does.
///
/// A row holds no references, since each command looks at its row several times: with closures in it a put took 1,400
/// instructions more.
package struct VerbTraits: Sendable {
    /// What stands behind a verb on the wire.
    enum Syntax {
        /// Nothing: the verb is the whole line.
        case bare

        /// Nothing that matters: whatever follows is ignored.
        case ignored

        /// The id of a task.
        case task

        /// The name of a tube.
        case tube

        /// A space, and arguments that ``CommandLineParser`` knows for this verb alone.
        case own

        /// As ``own``, but nothing has to stand between the verb and its arguments.
        case ownWithoutSpace
    }

    /// What has to be known to build a batch.
    enum Rule {
        /// Commands of the same session may not follow it in one batch: its outcome decides how they are carried out, or
        /// whether they are.
        case endsBatch

        /// The command can be in a batch behind a claim of the same session that may come to wait.
        ///
        /// The store holds such a command back if the claim waits, and it goes back into the queue. Commands that are
        /// answered without the store, or that change the session itself, would have happened by then.
        case canBeHeldBack

        /// The answer names tubes, of which there may be any number: no more bodies come in the same batch.
        case answersWithList

        /// The store has to look at all tubes for it.
        case looksAtAllTubes
    }

    /// The word on the wire.
    package let name: StaticString

    /// What follows it.
    let syntax: Syntax

    /// The right that a client needs; nil for what every client may do.
    package let right: Right?

    /// The replies it may get, besides those that every command may get.
    package let replies: ReplySet

    /// See ``Rule/endsBatch``.
    package let endsBatch: Bool

    /// See ``Rule/canBeHeldBack``.
    package let canBeHeldBack: Bool

    /// See ``Rule/answersWithList``.
    package let answersWithList: Bool

    /// See ``Rule/looksAtAllTubes``.
    package let looksAtAllTubes: Bool

    /// Whether the answer may carry a body, which bounds how many of them one batch answers.
    package let mayAnswerWithBody: Bool

    /// Whether a command that changes something is worth a line in the audit log: all that need ``Right/admin``.
    package var isAudited: Bool { right == .admin }

    init(_ name: StaticString, _ syntax: Syntax, _ right: Right?, _ replies: ReplySet, _ rules: Rule...) {
        self.name = name
        self.syntax = syntax
        self.right = right
        self.replies = replies
        endsBatch = rules.contains(.endsBatch)
        canBeHeldBack = rules.contains(.canBeHeldBack)
        answersWithList = rules.contains(.answersWithList)
        looksAtAllTubes = rules.contains(.looksAtAllTubes)
        mayAnswerWithBody = !replies.isDisjoint(with: [.reserved, .found])
    }
}
