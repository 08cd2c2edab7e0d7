internal import TaskStore

extension Engine {
    /// Returns what `stats` tells of this process.
    func processStatistics(_ table: SessionTable) -> ProcessStatistics {
        var statistics = ProcessStatistics(
            counters: table.counters,
            maximumTaskSize: table.maximumTaskSize,
            connections: table.countedSessions,
            producers: table.producers,
            workers: table.workers,
            waiting: table.waiting,
            uptime: Int((ContinuousClock.now - clock.start).components.seconds),
            usage: HostDescription.processorTime(),
            isDraining: table.isDraining,
            host: table.host
        )
        statistics.heldMemory = memory.total
        statistics.maximumMemory = configuration.maximumMemory
        if let lane { statistics.add(lane.board.others(than: lane.number)) }
        return statistics
    }
}
