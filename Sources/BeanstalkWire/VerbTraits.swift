/// One row of the table of verbs: all properties of a verb except its effect.
///
/// A row has no references, since each command reads its row several times: with closures in it a put took 1,400
/// instructions more.
package struct VerbTraits: Sendable {
    /// The text behind a verb on the wire.
    enum Syntax {
        /// No text: the verb is the whole line.
        case bare

        /// Any text; it is ignored.
        case ignored

        /// The id of a task.
        case task

        /// The name of a tube.
        case tube

        /// A space, and arguments for which ``CommandLineParser`` has a function of their own.
        case own

        /// As ``own``, but no space is needed between the verb and its arguments.
        case ownWithoutSpace
    }

    /// A rule for building batches.
    enum Rule {
        /// No command of the same session may follow in the same batch: the outcome decides how, and whether, the next
        /// commands are carried out.
        case endsBatch

        /// The command can be in a batch behind a claim of the same session that may have to wait.
        ///
        /// The store holds such a command back if the claim waits, and the command returns to the queue. Commands that
        /// are answered without the store, or that change the session itself, would have been carried out by then.
        case canBeDeferred

        /// The answer names any number of tubes: no more bodies come in the same batch.
        case answersWithList

        /// The store has to read all tubes for it.
        case looksAtAllTubes

        /// The line may have ``Line/maximumLengthWithOptions`` bytes.
        case hasLongLine
    }

    /// The word on the wire.
    package let name: StaticString

    /// The text behind the word.
    let syntax: Syntax

    /// The right that a client needs; `nil` for verbs that every client may use.
    package let right: Right?

    /// The possible replies, in addition to those of all commands.
    package let replies: ReplySet

    /// See ``Rule/endsBatch``.
    package let endsBatch: Bool

    /// See ``Rule/canBeDeferred``.
    package let canBeDeferred: Bool

    /// See ``Rule/answersWithList``.
    package let answersWithList: Bool

    /// See ``Rule/looksAtAllTubes``.
    package let looksAtAllTubes: Bool

    /// See ``Rule/hasLongLine``.
    let hasLongLine: Bool

    /// Whether the answer may have a body.
    ///
    /// One batch answers a bounded number of such commands.
    package let mayAnswerWithBody: Bool

    /// Whether a command that changes something gets a line in the audit log: all commands that need ``Right/admin``.
    package var isAudited: Bool { right == .admin }

    init(_ name: StaticString, _ syntax: Syntax, _ right: Right?, _ replies: ReplySet, _ rules: Rule...) {
        self.name = name
        self.syntax = syntax
        self.right = right
        self.replies = replies
        endsBatch = rules.contains(.endsBatch)
        canBeDeferred = rules.contains(.canBeDeferred)
        answersWithList = rules.contains(.answersWithList)
        looksAtAllTubes = rules.contains(.looksAtAllTubes)
        hasLongLine = rules.contains(.hasLongLine)
        mayAnswerWithBody = !replies.isDisjoint(with: [.reserved, .found])
    }
}
