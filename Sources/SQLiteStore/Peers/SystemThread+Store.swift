import SystemThread
import TaskStore

extension SystemThread {
    /// Starts a thread of the store.
    ///
    /// - Parameters:
    ///   - what: its purpose, for messages.
    ///   - run: its function, which has to return before ``join()`` can.
    /// - Throws: ``StoreError/Code/unusable``.
    init(for what: String, _ run: @escaping @Sendable () -> Void) throws(StoreError) {
        do {
            try self.init(run)
        } catch {
            throw StoreError(.unusable, "no thread for \(what): \(error)")
        }
    }
}
