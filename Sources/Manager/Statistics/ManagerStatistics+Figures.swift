internal import BeanstalkWire
internal import TaskStore

extension ManagerStatistics {
    /// The figures of `stats`, with beanstalkd's names in beanstalkd's order (prot.c, `STATS_FMT`).
    var figures: Figures {
        let counters = process.counters
        var figures = Figures()
        figures.add("current-jobs-urgent", store.counts.urgent)
        figures.add(store.counts)
        for verb in Self.countedVerbs { figures.add("cmd-\(verb.name)", counters.putsAndOthers(verb)) }
        figures.add("job-timeouts", counters.timeouts)
        figures.add("total-jobs", store.totalTasks)
        figures.add("max-job-size", process.maximumTaskSize)
        figures.add("current-tubes", store.tubes)
        figures.add("current-connections", process.connections)
        figures.add("current-producers", process.producers)
        figures.add("current-workers", process.workers)
        figures.add("current-waiting", process.waiting)
        figures.add("total-connections", counters.connections)
        figures.add("pid", Int(process.host.processID))
        figures.add("version", .text(process.host.version))
        figures.add("rusage-utime", .time(process.usage.user))
        figures.add("rusage-stime", .time(process.usage.system))
        figures.add("uptime", process.uptime)
        // The binlog is beanstalkd's file. Its names stay, since dashboards ask for them; without one it reports 0.
        for name in ["oldest-index", "current-index", "records-migrated", "records-written", "max-size"] {
            figures.add("binlog-\(name)", 0)
        }
        figures.add("draining", .flag(process.isDraining))
        figures.add("id", .word(process.host.instance))
        figures.add("hostname", .text(process.host.name))
        figures.add("os", .text(process.host.system))
        figures.add("platform", .text(process.host.platform))
        figures.add("memory-held", process.heldMemory)
        figures.add("max-memory", process.maximumMemory)
        figures.add("unauthorized", counters.unauthorized)
        return figures
    }

    /// The commands that `stats` counts, in beanstalkd's order; `reserve-job`, `kick-job` and `quit` are not among
    /// them.
    private static let countedVerbs: [Verb] = [
        .put, .peek, .peekReady, .peekDelayed, .peekBuried, .reserve, .reserveWithTimeout, .delete, .release, .use,
        .watch, .ignore, .bury, .kick, .touch, .stats, .statsJob, .statsTube, .listTubes, .listTubeUsed,
        .listTubesWatched, .pauseTube,
    ]
}

extension CommandCounters {
    /// Returns the count of a verb for a dashboard of beanstalkd: a put with a key is a put.
    fileprivate func putsAndOthers(_ verb: Verb) -> Int {
        self[verb] + (verb == .put ? self[.putUnique] : 0)
    }
}

extension Figures {
    /// Adds the numbers of tasks in each state.
    mutating func add(_ counts: TaskCounts) {
        add("current-jobs-ready", counts.pending)
        add("current-jobs-reserved", counts.claimed)
        add("current-jobs-delayed", counts.delayed)
        add("current-jobs-buried", counts.buried)
    }
}
