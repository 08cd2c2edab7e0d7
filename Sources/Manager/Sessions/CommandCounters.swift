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
        get { counts[verb.index] }
        set { counts[verb.index] = newValue }
    }
}

extension Verb {
    /// The position among all verbs, spelled out since a search through `allCases` would cost every command.
    fileprivate var index: Int {
        switch self {
        case .put: 0
        case .use: 1
        case .reserve: 2
        case .reserveWithTimeout: 3
        case .reserveJob: 4
        case .delete: 5
        case .release: 6
        case .bury: 7
        case .touch: 8
        case .watch: 9
        case .ignore: 10
        case .peek: 11
        case .peekReady: 12
        case .peekDelayed: 13
        case .peekBuried: 14
        case .kick: 15
        case .kickJob: 16
        case .statsJob: 17
        case .statsTube: 18
        case .stats: 19
        case .listTubes: 20
        case .listTubeUsed: 21
        case .listTubesWatched: 22
        case .pauseTube: 23
        case .quit: 24
        case .session: 25
        case .putUnique: 26
        case .clearTube: 27
        }
    }
}
