internal import NIOCore
package import TaskStore

extension ManagerService {
    /// Asks the manager's store for actions, and the manager for its figures.
    ///
    /// It is for parts of this process that are not clients, such as the metrics. It may be called from any thread or
    /// task. The actions run as one transaction on an event loop of the manager, after the commands that have arrived
    /// there. Other managers may commit before and after it, as for every transaction.
    ///
    /// - Parameter actions: what to ask the store; may be empty. Actions that concern claims are refused.
    /// - Returns: one outcome per action, and the figures of the process.
    /// - Throws: `StoreError`; with ``StoreError/Code/lost`` if the manager does not run.
    package func ask(_ actions: [Action]) async throws -> EngineAnswer {
        guard let engine = anyEngine else { throw StoreError(.lost, "the manager does not run") }
        return try await engine.eventLoop.flatSubmit { engine.value.ask(actions) }.get()
    }

    /// Returns the figures of the store and of this process.
    ///
    /// The rules are those of ``ask(_:)``.
    package func statistics() async throws -> ManagerStatistics {
        let answer = try await ask([.storeStatistics])
        guard case .store(let store)? = answer.outcomes.first else {
            throw StoreError(.failed, "the store has no statistics")
        }
        return ManagerStatistics(store: store, process: answer.process)
    }
}
