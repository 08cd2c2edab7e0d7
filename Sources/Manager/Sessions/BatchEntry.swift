internal import BeanstalkWire
internal import TaskStore

/// One entry of a batch, which waits for the outcome of its operation.
struct BatchEntry {
    /// How to answer the outcome.
    enum Kind {
        /// No operation: the answer is known already. It counts as `verb` in the statistics.
        case answer(Reply, verb: Verb?)

        /// A command that the store carries out alone, and the task whose claim it ends or extends, if it does. Its
        /// action is in its operation.
        case store(Verb, claim: TaskID?)

        /// Another command with one operation. These are few, and an entry is copied for each command: so it holds a
        /// reference.
        case command(BoxedCommand)

        /// A put; the task is in its operation.
        case put(Verb)

        /// Consecutive `reserve` commands, or `reserve-with-timeout` commands with the same number of seconds, as one
        /// claim.
        case reserve(timeout: UInt32?, count: Int, waits: Bool)

        /// A claim for a session that waits, and the tube for which it was woken, if that is known.
        case serve(for: TubeName?)

        /// Counts the session in or out at a tube.
        case countUse(TubeName, using: Int, watching: Int)

        /// One step of the session's ``Session/longCommand``.
        case long

        /// The end of a claim whose time is over.
        case expire(TaskID)

        /// The session's end, or a step of it that releases claims. The tubes of `known` of them are known, and
        /// sessions that wait for those are served.
        case disconnect(known: Int)

        /// No operation: the session's end continues in the next batch.
        case endLater
    }

    /// A command that an entry refers to.
    final class BoxedCommand {
        let command: Command

        init(_ command: Command) {
            self.command = command
        }
    }

    let session: Session
    let kind: Kind

    /// Whether the entry has an operation in the batch.
    var hasOperation: Bool {
        switch kind {
        case .answer, .endLater: false
        default: true
        }
    }
}

extension Command {
    /// Makes a `reserve`, or a `reserve-with-timeout` if there is a number of seconds.
    init(reserveFor seconds: UInt32?) {
        if let seconds { self = .reserveWithTimeout(seconds: seconds) } else { self = .reserve }
    }

    /// The number of seconds of a `reserve-with-timeout`; `nil` for other commands.
    var timeout: UInt32? {
        if case .reserveWithTimeout(let seconds) = self { seconds } else { nil }
    }
}
