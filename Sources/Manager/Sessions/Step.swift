internal import BeanstalkWire
internal import TaskStore

/// One step of a batch, as ``SessionTable`` remembers it until the outcomes are there.
struct Step {
    /// What to make of the step's outcome.
    enum Kind {
        /// No operation: the answer is known already. `verb` is what it counts as.
        case answer(Reply, verb: Verb?)

        /// A command with one operation.
        case command(Command)

        /// A `put` or `put-unique`; the task stands in its operation.
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
    /// Whether the request can be in a batch behind a claim of the same session that may come to wait.
    ///
    /// - Parameter isDraining: whether puts are refused, which is an answer without the store.
    /// - Returns: false where its answer, or what it does, would come before the claim is known to wait.
    func canFollowWait(isDraining: Bool) -> Bool {
        switch self {
        case .refused: false
        case .command(let command): command.canBeHeldBack && !(isDraining && command.isPut)
        }
    }
}

extension Command {
    /// A put as its operation has it; nothing where it is another operation's.
    init?(put action: Action) {
        switch action {
        case .put(let task): self.init(putting: task)
        case .putUnique(let key, let task): self.init(putting: task, key: key)
        default: return nil
        }
    }

    /// Whether the command can be in a batch behind a claim of the same session that may come to wait.
    ///
    /// The store holds such a command back if the claim waits, and it goes back into the queue. Commands that are
    /// answered without the store, or that change the session itself, would have happened by then.
    var canBeHeldBack: Bool {
        switch self {
        case .put, .putUnique, .reserve, .reserveWithTimeout, .reserveJob, .delete, .release, .bury, .touch, .peek,
            .peekReady,
            .peekDelayed, .peekBuried, .kick, .kickJob, .statsJob:
            true
        case .use, .watch, .ignore, .statsTube, .stats, .listTubes, .listTubeUsed, .listTubesWatched, .pauseTube, .quit,
            .session, .clearTube:
            false
        }
    }

    /// Whether it names what another program may have locked, so that it may go back into the queue with all that follows.
    var mayMeetLock: Bool {
        switch self {
        case .reserveJob, .delete, .release, .bury, .touch, .kickJob, .pauseTube: true
        default: false
        }
    }

    /// Whether it adds a task.
    var isPut: Bool {
        switch self {
        case .put, .putUnique: true
        default: false
        }
    }

    /// Whether commands of the same session may follow it in one batch.
    ///
    /// They may not where the outcome decides how they are carried out, or whether they are.
    var endsBatch: Bool {
        switch self {
        case .quit, .session, .clearTube: true
        default: false
        }
    }

    /// Whether the answer names tubes, of which there may be any number: then no more bodies come in the same batch.
    var answersWithList: Bool {
        switch self {
        case .listTubes, .listTubesWatched: true
        default: false
        }
    }

    /// Whether the store has to look at all tubes for it.
    var looksAtAllTubes: Bool {
        switch self {
        case .listTubes, .stats: true
        default: false
        }
    }

    /// Whether the answer may carry a body, which bounds how many of them one batch answers.
    var mayAnswerWithBody: Bool {
        switch self {
        case .reserve, .reserveWithTimeout, .reserveJob, .peek, .peekReady, .peekDelayed, .peekBuried: true
        default: false
        }
    }
}
