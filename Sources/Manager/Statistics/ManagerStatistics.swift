package import TaskStore

/// The figures of a store together with those of the manager process that read them.
package struct ManagerStatistics: Sendable {
    /// The figures of the store, over all managers.
    package var store: StoreStatistics

    /// The figures of this process, over all its lanes.
    package var process: ProcessStatistics
}
