internal import BeanstalkWire
internal import TaskStore

/// One step of a batch, as ``SessionTable`` remembers it until the outcomes are there.
struct Step {
    /// What to make of the step's outcome.
    enum Kind {
        /// No operation: the answer is known already. `verb` is what it counts as.
        case answer(Reply, verb: Verb?)

        /// A command that the store carries out alone, and the task of which it ends or extends the session's claim, if it
        /// does. Its action stands in its operation.
        case store(Verb, claim: TaskID?)

        /// Another command with one operation.
        case command(Command)

        /// A put; the task stands in its operation.
        case put(Verb)

        /// So many `reserve` commands in a row as one claim.
        case reserve(Command, count: Int, waits: Bool)

        /// A claim for a session that has been waiting; with the tube for which it was woken, if one is known.
        case serve(for: TubeName?)

        /// Counts the session in or out at a tube.
        case refer(TubeName, using: Int, watching: Int)

        /// One step of the session's ``Session/longCommand``.
        case long

        /// A claim whose time is over.
        case expire(TaskID)

        /// The session's end, or a step of it that gives back claims. Waiting sessions are served with `known` of them.
        case giveBack(known: Int)

        /// No operation: the rest of the session's end comes with the next batch.
        case endLater
    }

    let session: Session
    let kind: Kind

    /// Whether the step has an operation in the batch.
    var hasOperation: Bool {
        switch kind {
        case .answer, .endLater: false
        default: true
        }
    }
}

extension Request {
    /// What it is, as far as it matters to a store whether such things stand together.
    var wish: Session.Wish {
        switch self {
        case .command(.put): .put
        case .command(.store(.delete, _)): .delete
        default: .other
        }
    }

    /// Returns whether this is the same `reserve` or `reserve-with-timeout` again.
    func repeats(_ command: Command) -> Bool {
        switch (self, command) {
        case (.command(.reserve), .reserve): true
        case (.command(.reserveWithTimeout(let one)), .reserveWithTimeout(let other)): one == other
        default: false
        }
    }

    /// Returns whether the request can be in a batch behind a claim of the same session that may come to wait.
    ///
    /// - Parameter isDraining: whether puts are refused, which is an answer without the store.
    /// - Returns: false if its answer, or what it does, would come before the claim is known to wait.
    func canFollowWait(isDraining: Bool) -> Bool {
        switch self {
        case .refused: false
        case .command(.put): !isDraining
        case .command(let command): command.verb.traits.canBeHeldBack
        }
    }
}
