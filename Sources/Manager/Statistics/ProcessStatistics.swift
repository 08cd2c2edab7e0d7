/// The figures of this manager in `stats`, in addition to those of the store.
package struct ProcessStatistics: Sendable {
    /// The commands that were carried out.
    package var counters: CommandCounters

    /// The most bytes per body of a task.
    package var maximumTaskSize: Int

    /// Open connections.
    package var connections: Int

    /// Open connections that have put tasks.
    package var producers: Int

    /// Open connections that have asked for tasks.
    package var workers: Int

    /// Sessions that wait for a task.
    package var waiting: Int

    /// Whole seconds since the manager began to serve.
    package var uptime: Int

    /// The processor time that the process has used.
    package var usage: ProcessorTime

    /// Whether new tasks are refused.
    package var isDraining: Bool

    /// The bytes of bodies, commands and answers in memory.
    package var heldMemory = 0

    /// The limit of ``heldMemory``.
    package var maximumMemory = 0

    /// The process and its machine.
    package var host: HostDescription
}
