/// What `stats` tells of this very manager, beside what the store knows.
struct ProcessStatistics {
    var counters: CommandCounters
    var maximumTaskSize: Int
    var connections: Int
    var producers: Int
    var workers: Int
    var waiting: Int
    var uptime: Int
    var usage: ProcessorTime
    var isDraining: Bool

    /// Bytes of bodies, commands and answers that are kept, and how many may be.
    var heldMemory = 0
    var maximumMemory = 0
    var host: HostDescription
}

/// Processor time spent, in the protocol's form: seconds and six digits of microseconds.
struct ProcessorTime {
    var user: String
    var system: String
}
