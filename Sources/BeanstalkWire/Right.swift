/// The right that a client needs for a verb.
public enum Right: Sendable, Hashable, CaseIterable {
    /// Adds tasks.
    case put

    /// Claims tasks, and changes the tasks that the session holds.
    case reserve

    /// Reads counts, states and statistics, but no bodies.
    case look

    /// Reads bodies of tasks without claiming them.
    case read

    /// Changes tubes, and tasks of other clients.
    case admin
}
