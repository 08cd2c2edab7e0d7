import SeededRandom
import TaskStore

/// Compares a store with the plain store: random batches of several managers, with all outcomes.
public enum StoreComparison {
    /// Runs the batches of a seed.
    ///
    /// - Parameters:
    ///   - seed: the start of the random choices.
    ///   - rounds: the number of steps.
    ///   - harness: the store under test, new.
    /// - Throws: ``ConformanceFailure`` at the first difference, or the error of a store operation.
    public static func run(seed: UInt64, rounds: Int = 400, on harness: any StoreHarness) throws {
        let plain = MemoryQueue()
        var random = SeededGenerator(seed: seed)
        var now = Timestamp(rawValue: 1_700_000_000_000)
        var managers: [Twin] = []
        for round in 0..<rounds {
            while managers.count < 3 { managers.append(try Twin(harness, plain, "m\(round)", now)) }
            let index = Int.random(in: 0..<3, using: &random)
            switch Int.random(in: 0..<100, using: &random) {
            case 0: try managers.remove(at: index).kill()
            case 1: try managers.remove(at: index).leave()
            case 2...6: try managers[index].compareMaintenance(at: now)
            case 16...25: try managers[index].compareInspections(at: now, managers.map(\.name), using: &random)
            case 7...15: now = Timestamp(rawValue: now.rawValue + .random(in: -500...3000, using: &random))
            default: try managers[index].compareBatch(at: now, using: &random)
            }
            if round % 50 == 0 { try harness.audit() }
        }
        for manager in managers { try manager.leave() }
        try harness.audit()
    }
}

/// One manager in two forms: on the store under test and in memory.
private final class Twin {
    let name: String
    private let tested: any Store
    private let harness: any StoreHarness
    private let plain: any Store
    private let queue: MemoryQueue

    /// The tubes that each connection uses and watches, so that it is counted out only if it is counted in.
    private var uses: [UInt32: [TubeName: (using: Int, watching: Int)]] = [:]

    init(_ harness: any StoreHarness, _ queue: MemoryQueue, _ name: String, _ now: Timestamp) throws {
        self.harness = harness
        self.name = name
        tested = try harness.open(name, at: now)
        plain = try queue.open(name, at: now)
        self.queue = queue
        try require(tested.manager, plain.manager, "the manager's number")
    }

    func kill() throws {
        try harness.kill(tested)
        try queue.kill(plain)
    }

    func leave() throws {
        try tested.leave()
        try plain.leave()
    }

    func compareMaintenance(at now: Timestamp) throws {
        let order = { (a: DeadManager, b: DeadManager) in a.id.rawValue < b.id.rawValue }
        let found = try tested.maintain(at: now).recovered.sorted(by: order)
        try require(found, try plain.maintain(at: now).recovered.sorted(by: order), "managers found dead")
    }

    /// Compares the answers to an operator's question, page by page up to the end.
    func compareInspections(at now: Timestamp, _ names: [String], using random: inout SeededGenerator) throws {
        let query = randomQuery(of: queue.lastID, managers: names, using: &random)
        // What time brings is in the next batch of either store.
        for store in [tested, plain] {
            while let next = try store.run(Batch([], now: now)).nextEvent, next <= now {}
        }
        try require(try answers(query, of: tested, at: now), try answers(query, of: plain, at: now), "\(query)")
    }

    /// Returns the rows of all pages, as far as all stores know the same.
    private func answers(_ first: InspectQuery, of store: any Store, at now: Timestamp) throws -> [String] {
        var rows: [String] = []
        var query: InspectQuery? = first
        while let question = query {
            let session = SessionID(connection: 9, of: store.manager)
            let outcome = try store.run(Batch([Operation(session: session, action: .inspect(question))], now: now))
                .outcomes
            guard case .inspected(let inspection)? = outcome.first else { return rows + ["\(outcome)"] }
            rows += inspection.comparableRows
            query = inspection.next.flatMap(question.from)
        }
        // The numbers of named sessions, and so their order, depend on the store.
        if case .sessions = first { rows.sort() }
        return rows
    }

    func compareBatch(at now: Timestamp, using random: inout SeededGenerator) throws {
        let operations = (0..<Int.random(in: 0...12, using: &random))
            .flatMap { _ in
                let connection = UInt32.random(in: 1...4, using: &random)
                let session = SessionID(connection: connection, of: tested.manager)
                let actions =
                    Int.random(in: 0..<10, using: &random) == 0
                    ? randomBurst(of: queue.lastID, using: &random)
                    : [possible(randomAction(of: queue.lastID, using: &random), connection)]
                return restricted(
                    spread(actions, from: session, of: tested.manager, using: &random),
                    using: &random
                )
            }
        let batch = Batch(operations, now: now)
        let expected = try plain.run(batch)
        let result = try tested.run(batch)
        for (index, outcome) in result.outcomes.enumerated() {
            if outcome == .deferred { takeBack(operations[index]) }
            try require(
                outcome,
                expected.outcomes[index],
                "\(operations[index]) as number \(index) of \(operations)"
            )
        }
        try require(result.needsDurability, expected.needsDurability, "durability of \(operations)")
        try require(result.timePassed, expected.timePassed, "whether time passed before \(operations)")
        try require(result.nextEvent, expected.nextEvent, "the next event after \(operations)")
    }

    /// Undoes the count of a reference that was held back.
    private func takeBack(_ operation: Operation) {
        guard case .countUse(let tube, let using, let watching) = operation.action else { return }
        for connection in uses.keys where SessionID(connection: connection, of: tested.manager) == operation.session {
            uses[connection]?[tube]?.using -= using
            uses[connection]?[tube]?.watching -= watching
        }
    }

    /// Turns a reference that a connection would give up without having it into one that it takes.
    private func possible(_ action: Action, _ connection: UInt32) -> Action {
        guard case .countUse(let tube, let using, let watching) = action else { return action }
        let present = uses[connection]?[tube] ?? (0, 0)
        let next = (using: max(0, min(1, present.using + using)), watching: max(0, min(1, present.watching + watching)))
        uses[connection, default: [:]][tube] = next
        return .countUse(tube, using: next.using - present.using, watching: next.watching - present.watching)
    }
}

extension Inspection {
    /// The rows as text, without what depends on the store.
    fileprivate var comparableRows: [String] {
        switch self {
        case .managers, .store: []
        case .tubes(let page): page.rows.map { "\($0)" }
        case .tube(let tube): ["\(tube)"]
        case .tasks(let page), .claims(let page): page.rows.map { "\($0.comparable)" }
        case .task(let task): ["\(task.comparable)"]
        case .sessions(let page):
            // Stores differ in when they remove a session that has neither a connection nor claims.
            page.rows.filter { $0.holder.connection != nil || $0.claims > 0 }
                .map { "\($0.holder.comparable) \($0.claims)" }
        }
    }

    fileprivate var next: String? {
        switch self {
        case .managers, .store, .tube, .task: nil
        case .tubes(let page): page.next
        case .tasks(let page), .claims(let page): page.next
        case .sessions(let page): page.next
        }
    }
}

extension InspectQuery {
    /// Returns the question for the next page.
    fileprivate func from(_ next: String) -> InspectQuery? {
        let number = Int64(next) ?? 0
        return switch self {
        case .tubes(let state, _, let limit): .tubes(having: state, after: TubeName(next), limit: limit)
        case .tasks(let filter, _, let limit): .tasks(filter, after: TaskID(rawValue: number), limit: limit)
        case .claims(let tube, let manager, _, let limit):
            .claims(tube: tube, manager: manager, after: TaskID(rawValue: number), limit: limit)
        case .sessions(let tube, let manager, _, let limit):
            .sessions(tube: tube, manager: manager, after: number, limit: limit)
        case .managers, .tube, .task, .store: nil
        }
    }
}

extension TaskDescription {
    /// The same without the number of a named session, which each store chooses.
    fileprivate var comparable: TaskDescription {
        var task = self
        task.holder = holder?.comparable
        return task
    }
}

extension HolderDescription {
    fileprivate var comparable: HolderDescription {
        var holder = self
        if isNamed { holder.session = 0 }
        return holder
    }
}
