internal import TaskStore

/// A batch from its building to its answers: the operations for the store, and how to answer their outcomes.
struct BuiltBatch {
    /// What the batch leaves for the next one; a later case includes the earlier ones.
    enum Rest: Int, Comparable {
        /// Nothing that was known when it was built.
        case nothing

        /// More commands, or more steps of a command or of a session's end.
        case commands

        /// Claims whose time is over.
        case overdueClaims

        static func < (lhs: Rest, rhs: Rest) -> Bool { lhs.rawValue < rhs.rawValue }
    }

    /// The order of claims that may wait and of tasks that become pending.
    enum ClaimOrder {
        /// No claim of the batch may get too few tasks, so that its session waits.
        case noneWaits

        /// A claim may, and no task becomes pending behind it.
        case oneMayWait

        /// Tasks become pending behind such a claim. Its session has to be served in the next batch, since this one
        /// could not know that it waits.
        case pendingBehindClaim
    }

    /// The operations, first to last.
    var operations: [Operation] = []

    /// The entries; those with an operation are in the order of the operations.
    var entries: [BatchEntry] = []

    /// Whether an operation answers an operator's question: one at most, since all sessions wait for it.
    var inspects = false

    var rest = Rest.nothing
    var claimOrder = ClaimOrder.noneWaits

    /// Notes that there is more to do than the batch has.
    mutating func leave(_ more: Rest) {
        rest = max(rest, more)
    }

    /// Whether a claim of the batch may have to wait.
    var mayWait: Bool { claimOrder != .noneWaits }

    /// Notes that a claim of the batch may have to wait.
    mutating func addWaitingClaim() {
        if claimOrder == .noneWaits { claimOrder = .oneMayWait }
    }

    /// Notes that tasks become pending.
    mutating func addPending() {
        if claimOrder == .oneMayWait { claimOrder = .pendingBehindClaim }
    }

    /// Forgets the entries, whose outcomes were answered.
    ///
    /// An error before the next batch, such as in a look at the store, must not be answered to their sessions.
    mutating func forgetEntries() {
        operations.removeAll(keepingCapacity: true)
        entries.removeAll(keepingCapacity: true)
    }
}
