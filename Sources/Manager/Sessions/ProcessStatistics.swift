/// The figures of this manager in `stats`, in addition to those of the store.
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

    /// The bytes of bodies, commands and answers in memory, and their limit.
    var heldMemory = 0
    var maximumMemory = 0
    var host: HostDescription
}

/// The processor time in the protocol's form: seconds and six digits of microseconds.
struct ProcessorTime {
    var user: String
    var system: String
}
