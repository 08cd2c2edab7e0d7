internal import Synchronization
internal import TaskStore

/// One of several engines of a manager, each with an event loop and a store of its own.
struct Lane: Sendable {
    /// The lane's number, from 0.
    var number: Int

    /// The figures that all lanes share.
    var board: LaneBoard
}

/// The figures that the lanes of a manager share, so that `stats` reports the sum of all lanes, whichever lane answers.
///
/// A lane writes before it answers, so a command that was answered is counted in the client's next statistics.
final class LaneBoard: Sendable {
    /// The counters of one lane.
    struct Figures {
        var counters = CommandCounters()
        var connections = 0
        var producers = 0
        var workers = 0
        var waiting = 0
        var heldMemory = 0
        var waitingByTube: [TubeName: Int] = [:]
    }

    /// The description of the process and the machine, which is the same for all lanes.
    let host: HostDescription

    private let figures: Mutex<[Figures]>

    /// Makes a board for a number of lanes.
    init(lanes: Int, host: HostDescription) {
        self.host = host
        self.figures = Mutex(Array(repeating: Figures(), count: lanes))
    }

    /// Publishes the present counters of a lane.
    func publish(_ table: inout SessionTable, _ memory: MemoryBudget, of lane: Int) {
        let heldMemory = memory.total
        let changes = table.sessions.waiters.takeChanges()
        figures.withLock { figures in
            figures[lane].counters = table.sessions.counters
            figures[lane].connections = table.sessions.countedSessions
            figures[lane].producers = table.sessions.producers
            figures[lane].workers = table.sessions.workers
            for (tube, waiting) in changes { figures[lane].waitingByTube[tube] = waiting > 0 ? waiting : nil }
            figures[lane].waiting = table.sessions.waiters.count
            figures[lane].heldMemory = heldMemory
        }
    }

    /// Returns the figures of all lanes except one.
    func others(than lane: Int) -> [Figures] {
        figures.withLock { figures in figures.indices.filter { $0 != lane }.map { figures[$0] } }
    }

    /// Returns the number of sessions of all lanes except one that wait for a tube.
    func waiting(for tube: TubeName, elsewhereThan lane: Int) -> Int {
        figures.withLock { figures in
            figures.indices.reduce(0) { $1 == lane ? $0 : $0 + (figures[$1].waitingByTube[tube] ?? 0) }
        }
    }
}

extension ProcessStatistics {
    /// Adds the figures of other lanes.
    mutating func add(_ others: [LaneBoard.Figures]) {
        for other in others {
            counters.add(other.counters)
            connections += other.connections
            producers += other.producers
            workers += other.workers
            waiting += other.waiting
            heldMemory += other.heldMemory
        }
    }
}
