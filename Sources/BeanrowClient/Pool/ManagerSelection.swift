/// Which of several managers gets the next request.
public enum ManagerSelection: String, Sendable, Hashable, CaseIterable {
    /// One after the other. The first one is random.
    case roundRobin = "round-robin"

    /// A random one for each request.
    case random

    /// The same one while it works, then the next one. The first one is random.
    case sticky
}
