import TaskStore

@testable import StoreTesting

/// A store in memory that fails as the test says.
final class ScriptedStore: Store {
    private let store: MemoryStore

    /// The errors of the next batches with operations, first to last.
    var errors: [StoreError] = []

    init(_ queue: MemoryQueue = MemoryQueue()) {
        store = MemoryStore(queue, ManagerID(rawValue: 1), "one")
        queue.members.append(store)
    }

    var manager: ManagerID { store.manager }

    func run(_ batch: Batch) throws(StoreError) -> BatchResult {
        if !batch.operations.isEmpty, !errors.isEmpty { throw errors.removeFirst() }
        return store.run(batch)
    }

    func makeDurable() throws(StoreError) { store.makeDurable() }
    func unsubscribe(from tube: TubeName) { store.unsubscribe(from: tube) }
    func observeChanges(_ handler: @escaping @Sendable (StoreChange) -> Void) { store.observeChanges(handler) }
    func hasChangedElsewhere() throws(StoreError) -> Bool { store.hasChangedElsewhere() }
    func maintain(at now: Timestamp) throws(StoreError) -> Maintenance { store.maintain(at: now) }
    func leave() throws(StoreError) { store.leave() }
}
