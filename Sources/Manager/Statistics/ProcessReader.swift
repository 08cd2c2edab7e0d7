/// Reads the figures of this process: those of its sessions, its memory and its processor time.
struct ProcessReader {
    let configuration: ManagerConfiguration
    let host: HostDescription
    let memory: MemoryBudget

    /// When the engine began.
    let start: ContinuousClock.Instant
    let lane: Lane?

    /// Returns the figures, over all lanes.
    func statistics(of sessions: SessionRegistry) -> ProcessStatistics {
        var statistics = ProcessStatistics(
            counters: sessions.counters,
            maximumTaskSize: configuration.maximumTaskSize,
            connections: sessions.countedSessions,
            producers: sessions.producers,
            workers: sessions.workers,
            waiting: sessions.waiters.count,
            uptime: Int((ContinuousClock.now - start).components.seconds),
            usage: HostDescription.processorTime(),
            isDraining: sessions.isDraining,
            host: host
        )
        statistics.heldMemory = memory.total
        statistics.maximumMemory = configuration.maximumMemory
        if let lane { statistics.add(lane.board.others(than: lane.number)) }
        return statistics
    }
}
