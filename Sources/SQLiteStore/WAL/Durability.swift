/// What must be on the disk before the outcomes of a batch are told.
enum Durability: Comparable {
    /// Nothing: a power cut may undo all of it.
    case nothing

    /// Every commit before the batch's own, which has only claimed tasks for connections. A power cut ends all
    /// connections, and so all such claims, whether they are on the disk or not. But a task that a client has received
    /// must exist afterwards.
    case earlierCommits

    /// The batch's own commit.
    case everything
}
