internal import BeanstalkWire
internal import TaskStore

/// The YAML of the statistics commands, with beanstalkd's keys in beanstalkd's order (prot.c, `STATS_FMT` and the
/// like).
enum StatisticsText {
    /// Returns the answer to `stats`.
    static func server(_ store: StoreStatistics, _ process: ProcessStatistics) -> [UInt8] {
        let counters = process.counters
        var text = Yaml()
        text.add("current-jobs-urgent", store.counts.urgent)
        text.add("current-jobs-ready", store.counts.pending)
        text.add("current-jobs-reserved", store.counts.claimed)
        text.add("current-jobs-delayed", store.counts.delayed)
        text.add("current-jobs-buried", store.counts.buried)
        for verb in countedVerbs {
            // A put with a key is a put: dashboards know no other.
            text.add("cmd-\(verb.name)", counters[verb] + (verb == .put ? counters[.putUnique] : 0))
        }
        text.add("job-timeouts", counters.timeouts)
        text.add("total-jobs", store.totalTasks)
        text.add("max-job-size", process.maximumTaskSize)
        text.add("current-tubes", store.tubes)
        text.add("current-connections", process.connections)
        text.add("current-producers", process.producers)
        text.add("current-workers", process.workers)
        text.add("current-waiting", process.waiting)
        text.add("total-connections", counters.connections)
        text.add("pid", Int(process.host.processID))
        text.add("version", quoted: process.host.version)
        text.add("rusage-utime", process.usage.user)
        text.add("rusage-stime", process.usage.system)
        text.add("uptime", process.uptime)
        // The binlog is beanstalkd's file. Its keys stay, since dashboards ask for them; without one it reports 0.
        text.add("binlog-oldest-index", 0)
        text.add("binlog-current-index", 0)
        text.add("binlog-records-migrated", 0)
        text.add("binlog-records-written", 0)
        text.add("binlog-max-size", 0)
        text.add("draining", process.isDraining ? "true" : "false")
        text.add("id", process.host.instance)
        text.add("hostname", quoted: process.host.name)
        text.add("os", quoted: process.host.system)
        text.add("platform", quoted: process.host.platform)
        text.add("memory-held", process.heldMemory)
        text.add("max-memory", process.maximumMemory)
        return text.bytes
    }

    /// The commands that `stats` counts, in beanstalkd's order; `reserve-job`, `kick-job` and `quit` are not among
    /// them.
    private static let countedVerbs: [Verb] = [
        .put, .peek, .peekReady, .peekDelayed, .peekBuried, .reserve, .reserveWithTimeout, .delete, .release, .use,
        .watch, .ignore, .bury, .kick, .touch, .stats, .statsJob, .statsTube, .listTubes, .listTubeUsed,
        .listTubesWatched, .pauseTube,
    ]

    /// Returns the answer to `stats-tube`.
    static func tube(_ tube: TubeStatistics, waiting: Int) -> [UInt8] {
        var text = Yaml()
        text.add("name", quoted: tube.name.text)
        text.add("current-jobs-urgent", tube.counts.urgent)
        text.add("current-jobs-ready", tube.counts.pending)
        text.add("current-jobs-reserved", tube.counts.claimed)
        text.add("current-jobs-delayed", tube.counts.delayed)
        text.add("current-jobs-buried", tube.counts.buried)
        text.add("total-jobs", tube.totalTasks)
        text.add("current-using", tube.using)
        text.add("current-watching", tube.watching)
        text.add("current-waiting", waiting)
        text.add("cmd-delete", tube.deletes)
        text.add("cmd-pause-tube", tube.pauses)
        text.add("pause", Int(tube.pause))
        text.add("pause-time-left", secondsLeft(tube.pauseTimeLeft, of: tube.pause))
        text.add("oldest-pending-age", age(tube.oldestPendingAge))
        return text.bytes
    }

    /// Returns the answer to `stats-job`.
    static func task(_ task: TaskStatistics) -> [UInt8] {
        var text = Yaml()
        text.add("id", Int(task.id.rawValue))
        text.add("tube", quoted: task.tube.text)
        text.add("state", task.state.wireName)
        text.add("pri", Int(task.priority))
        text.add("age", age(task.age))
        text.add("delay", Int(task.delay))
        text.add("ttr", Int(task.timeToRun))
        let whole = task.state == .delayed ? task.delay : task.timeToRun
        text.add("time-left", secondsLeft(task.timeLeft, of: whole))
        text.add("file", 0)
        text.add("reserves", task.reserves)
        text.add("timeouts", task.timeouts)
        text.add("releases", task.releases)
        text.add("buries", task.buries)
        text.add("kicks", task.kicks)
        return text.bytes
    }

    /// Returns an age in whole seconds: 0 if the clock was set back behind the moment of the put.
    private static func age(_ milliseconds: Int64) -> Int {
        max(0, Int(milliseconds)) / 1000
    }

    /// Returns the seconds left of a span, rounded up: the whole span right after it began, and 0 only once it is over.
    ///
    /// - Parameters:
    ///   - milliseconds: what is left. Below 0 if the span is over, and more than the span if the clock was set back a
    ///     little since it began.
    ///   - seconds: the whole span.
    /// - Returns: from 0 to the whole span.
    private static func secondsLeft(_ milliseconds: Int64, of seconds: UInt32) -> Int {
        min(max(0, Int(milliseconds) + 999) / 1000, Int(seconds))
    }

    /// Returns the answer to `list-tubes` and `list-tubes-watched`.
    static func list(_ tubes: [TubeName]) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(tubes.reduce(4) { $0 + $1.text.utf8.count + 3 })
        text.append(contentsOf: "---\n".utf8)
        for tube in tubes {
            text.append(contentsOf: "- ".utf8)
            text.append(contentsOf: tube.text.utf8)
            text.append(UInt8(ascii: "\n"))
        }
        return text
    }
}

/// A YAML dictionary of scalars, as beanstalkd writes them.
private struct Yaml {
    private var text = "---\n"

    var bytes: [UInt8] { Array(text.utf8) }

    mutating func add(_ key: String, _ value: Int) { add(key, String(value)) }

    mutating func add(_ key: String, _ value: String) { text += "\(key): \(value)\n" }

    mutating func add(_ key: String, quoted value: String) { add(key, "\"\(value)\"") }
}
