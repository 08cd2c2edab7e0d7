/// What a client must be allowed to do for a verb.
public enum Right: Sendable, Hashable, CaseIterable {
    /// Adds tasks.
    case put

    /// Claims tasks, and does all that a session may do with the tasks that it holds.
    case reserve

    /// Reads counts, states and statistics, but no bodies.
    case look

    /// Reads bodies of tasks without claiming them.
    case read

    /// Changes tasks that others have put, and tubes.
    case admin
}
