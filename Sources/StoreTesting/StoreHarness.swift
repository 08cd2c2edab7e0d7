public import TaskStore

/// One new, empty store that any number of managers can open; each check has its own.
public protocol StoreHarness {
    /// Opens the store as one more manager.
    ///
    /// - Parameters:
    ///   - name: the manager's name.
    ///   - now: the present time.
    /// - Returns: the store of that manager, for the calling thread.
    /// - Throws: the errors of opening.
    func open(_ name: String, at now: Timestamp) throws -> any Store

    /// Ends a manager as if its process had been killed, without leaving the store.
    ///
    /// - Parameter store: the result of ``open(_:at:)``; it gets no more calls.
    /// - Throws: anything; the check fails then.
    func kill(_ store: any Store) throws

    /// Checks the data behind the protocol for contradictions that no operation shows; called after each check.
    ///
    /// - Throws: any error; it says what is wrong.
    func audit() throws
}

/// One requirement on every store.
public struct StoreCheck: Sendable, CustomStringConvertible {
    /// The subject and the requirement, as in `release: only the holder can`.
    public let name: String

    /// Whether it puts thousands of tasks; a store that is only for tests may skip such checks.
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
    /// - Throws: ``ConformanceFailure``, or the error of a store operation.
    public func run(on harness: any StoreHarness) throws {
        let scene = Scene(harness)
        try body(scene)
        try harness.audit()
        try scene.close()
    }

    /// The name.
    public var description: String { name }
}

/// The requirements on every store.
public enum StoreConformance {
    /// The checks, each independent of the others.
    public static let checks: [StoreCheck] =
        putChecks + claimChecks + claimTaskChecks + deleteChecks + releaseChecks + buryChecks + touchChecks
        + expireChecks
        + kickChecks + peekChecks + pauseChecks + statisticsChecks + tubeChecks + timeChecks + recoveryChecks
        + wakingChecks + batchChecks + namedSessionChecks + uniqueKeyChecks + clearChecks + operatorChecks
        + inspectChecks + accessChecks
}
