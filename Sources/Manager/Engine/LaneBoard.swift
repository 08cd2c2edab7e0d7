internal import Synchronization
internal import TaskStore

/// One of several engines of a manager, each with an event loop and a store of its own.
struct Lane: Sendable {
    /// Which one, from 0.
    var number: Int

    /// What all of them know of each other.
    var board: LaneBoard
}

/// What the lanes of a manager tell each other, so that `stats` speaks for all of them whichever is asked.
///
/// A lane writes before it answers, so what a client was answered is counted in what it asks next.
final class LaneBoard: Sendable {
    /// What one lane counts.
    struct Figures {
        var counters = CommandCounters()
        var connections = 0
        var producers = 0
        var workers = 0
        var waiting = 0
        var heldMemory = 0
        var waitingByTube: [TubeName: Int] = [:]
    }

    /// What is said of process and machine, the same for all.
    let host: HostDescription

    private let figures: Mutex<[Figures]>

    /// Makes a board for so many lanes.
    init(lanes: Int, host: HostDescription) {
        self.host = host
        self.figures = Mutex(Array(repeating: Figures(), count: lanes))
    }

    /// Says what a lane counts now.
    func publish(_ table: inout SessionTable, _ memory: MemoryBudget, of lane: Int) {
        let heldMemory = memory.total
        let changes = table.waitingSessions.takeChanges()
        figures.withLock { figures in
            figures[lane].counters = table.counters
            figures[lane].connections = table.countedSessions
            figures[lane].producers = table.producers
            figures[lane].workers = table.workers
            for (tube, waiting) in changes { figures[lane].waitingByTube[tube] = waiting > 0 ? waiting : nil }
            figures[lane].waiting = table.waiting
            figures[lane].heldMemory = heldMemory
        }
    }

    /// The figures of all lanes but one.
    func others(than lane: Int) -> [Figures] {
        figures.withLock { figures in figures.indices.filter { $0 != lane }.map { figures[$0] } }
    }

    /// How many sessions of all lanes but one wait for a tube.
    func waiting(for tube: TubeName, elsewhereThan lane: Int) -> Int {
        figures.withLock { figures in
            figures.indices.reduce(0) { $1 == lane ? $0 : $0 + (figures[$1].waitingByTube[tube] ?? 0) }
        }
    }
}

extension ProcessStatistics {
    /// Counts other lanes in.
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
