package import BeanstalkWire

/// The numbers of commands that were carried out, and the other counters of this manager since its start.
package struct CommandCounters: Sendable {
    private var counts = [Int](repeating: 0, count: Verb.allCases.count)

    /// Claims whose time to run was over.
    package var timeouts = 0

    /// Connections accepted.
    package var connections = 0

    /// Clients that were refused because they are not known.
    package var unauthorized = 0

    /// Adds the counters of another lane.
    mutating func add(_ other: CommandCounters) {
        for index in counts.indices { counts[index] += other.counts[index] }
        timeouts += other.timeouts
        connections += other.connections
        unauthorized += other.unauthorized
    }

    package internal(set) subscript(verb: Verb) -> Int {
        get { counts[Int(verb.rawValue)] }
        set { counts[Int(verb.rawValue)] = newValue }
    }
}
