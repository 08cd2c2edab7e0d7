public import TaskStore

/// One fresh, empty store that any number of managers can open; made anew for each check.
public protocol StoreHarness {
    /// Opens the store as one more manager.
    ///
    /// - Parameters:
    ///   - name: what the manager is called.
    ///   - now: what time it is.
    /// - Returns: the store as that manager sees it, for the calling thread.
    /// - Throws: what opening throws.
    func open(_ name: String, at now: Timestamp) throws -> any Store

    /// Ends a manager as if its process had been killed: without a word to anybody.
    ///
    /// - Parameter store: what ``open(_:at:)`` gave; no call follows.
    /// - Throws: anything; the check fails then.
    func kill(_ store: any Store) throws

    /// Looks behind the protocol for contradictions that no operation shows; called after each check.
    ///
    /// - Throws: anything that says what is wrong.
    func audit() throws
}

/// One thing that every store must do.
public struct StoreCheck: Sendable, CustomStringConvertible {
    /// What it is about and what is required, as in `release: only the holder can`.
    public let name: String

    /// Whether it puts thousands of tasks; a store that is only there for tests may leave such checks out.
    public let isLarge: Bool

    private let body: @Sendable (Scene) throws -> Void

    /// Describes a check.
    init(_ name: String, isLarge: Bool = false, _ body: @escaping @Sendable (Scene) throws -> Void) {
        self.name = name
        self.isLarge = isLarge
        self.body = body
    }

    /// Runs the check on a fresh store.
    ///
    /// - Parameter harness: the store.
    /// - Throws: ``ConformanceFailure``, or what a store operation threw.
    public func run(on harness: any StoreHarness) throws {
        let scene = Scene(harness)
        try body(scene)
        try harness.audit()
        try scene.close()
    }

    /// The name.
    public var description: String { name }
}

/// All that every store must do.
public enum StoreConformance {
    /// The checks, each independent of the others.
    public static let checks: [StoreCheck] =
        putChecks + claimChecks + claimTaskChecks + deleteChecks + releaseChecks + buryChecks + touchChecks
        + expireChecks
        + kickChecks + peekChecks + pauseChecks + statisticsChecks + tubeChecks + timeChecks + recoveryChecks
        + wakingChecks + batchChecks + namedSessionChecks + uniqueKeyChecks + clearChecks
}
