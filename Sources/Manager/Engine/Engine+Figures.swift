internal import BeanstalkWire
internal import TaskStore

extension Engine {
    /// The figures that the other managers show of this event loop.
    var figures: ManagerFigures {
        let sessions = table.sessions
        var figures = ManagerFigures()
        figures.add("connections", Int64(sessions.countedSessions))
        figures.add("draining", sessions.isDraining ? 1 : 0)
        figures.add("producers", Int64(sessions.producers))
        figures.add("workers", Int64(sessions.workers))
        figures.add("waiting", Int64(sessions.waiters.count))
        figures.add("memory_held_bytes", Int64(memory.total))
        for (name, share) in [("turn_p50_microseconds", 500), ("turn_p99_microseconds", 990)] as [(String, UInt64)] {
            if let bound = turnTimes.quantile(thousandths: share) { figures.add(name, bound) }
        }
        figures.add("connections_total", Int64(sessions.counters.connections))
        figures.add("timeouts_total", Int64(sessions.counters.timeouts))
        for verb in Verb.allCases where sessions.counters[verb] > 0 {
            let name = String(verb.name.map { $0 == "-" ? "_" : $0 })
            figures.add("cmd_\(name)_total", Int64(sessions.counters[verb]))
        }
        return figures
    }
}
