/// The state of a task.
///
/// The raw values are the words in the database. The wire has older words for two of them: ``wireName``.
public enum TaskState: String, Hashable, Sendable, CaseIterable {
    /// Waiting for a consumer.
    case pending

    /// Waiting for its delay to pass; then it becomes ``pending`` by itself.
    case delayed

    /// Handed to one session, for its time to run.
    case claimed

    /// Set aside until a client kicks it.
    case buried

    /// The protocol's word for the state (protocol.txt, "Job Lifecycle").
    public var wireName: String {
        switch self {
        case .pending: "ready"
        case .delayed: "delayed"
        case .claimed: "reserved"
        case .buried: "buried"
        }
    }
}
