internal import BeanstalkWire

/// How often each command was carried out, and what else this manager counts since it started.
struct CommandCounters {
    private var counts = [Int](repeating: 0, count: Verb.allCases.count)

    /// Claims that ran out of time.
    var timeouts = 0

    /// Connections accepted.
    var connections = 0

    /// Adds what another counted.
    mutating func add(_ other: CommandCounters) {
        for index in counts.indices { counts[index] += other.counts[index] }
        timeouts += other.timeouts
        connections += other.connections
    }

    subscript(verb: Verb) -> Int {
        get { counts[Int(verb.rawValue)] }
        set { counts[Int(verb.rawValue)] = newValue }
    }
}
