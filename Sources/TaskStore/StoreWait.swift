internal import Synchronization

/// Says what a store that blocks its thread waits for, so that another thread can tell a wait from a fault.
///
/// The store's thread writes it: two atomic words per wait. Any thread may read it at any time.
public final class StoreWait: Sendable {
    /// What a store waits for.
    public enum Reason: UInt8, Sendable, CaseIterable {
        /// The lock that another manager holds while it writes.
        case lock = 1

        /// The disk.
        case disk = 2

        /// The database server.
        case server = 3
    }

    private let reason = Atomic<UInt8>(0)

    /// Makes a value that says that the store does not wait.
    public init() {}

    /// What the store waits for now; nil if it does not wait.
    public var current: Reason? { Reason(rawValue: reason.load(ordering: .relaxed)) }

    /// Says that the store waits, while a function runs.
    ///
    /// - Parameters:
    ///   - reason: what it waits for.
    ///   - body: waits.
    /// - Returns: the function's result.
    /// - Throws: the function's error.
    @inline(__always)
    public func during<Result: ~Copyable, Failure: Error>(
        _ reason: Reason,
        _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        self.reason.store(reason.rawValue, ordering: .relaxed)
        defer { self.reason.store(0, ordering: .relaxed) }
        return try body()
    }
}
