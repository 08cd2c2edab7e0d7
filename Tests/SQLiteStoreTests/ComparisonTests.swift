import StoreTesting
import TaskStore
import Testing

@testable import SQLiteStore

/// The SQLite store held against the plain one: random batches of several managers, every outcome compared.
@Suite struct ComparisonTests {
    @Test(arguments: StoreConformance.checks.filter { !$0.isLarge })
    func thePlainStoreMeets(_ check: StoreCheck) throws {
        try check.run(on: MemoryQueue())
    }

    @Test(arguments: 1...8)
    func randomBatchesComeOutTheSame(_ seed: Int) throws {
        let place = try TemporaryStore()
        let plain = MemoryQueue()
        var random = SplitMix(state: UInt64(seed))
        var now = Timestamp.start
        var managers: [Twin] = []
        for round in 0..<(isSanitized ? 60 : 400) {
            while managers.count < 3 { managers.append(try Twin(place, plain, "m\(round)", now)) }
            let index = Int.random(in: 0..<3, using: &random)
            switch Int.random(in: 0..<100, using: &random) {
            case 0: try managers.remove(at: index).kill()
            case 1: try managers.remove(at: index).leave()
            case 2...6: try managers[index].compareMaintenance(at: now)
            case 7...15: now = Timestamp(rawValue: now.rawValue + .random(in: -500...3000, using: &random))
            default: try managers[index].compareBatch(at: now, using: &random)
            }
            if round % 50 == 0 { try place.audit() }
        }
        for manager in managers { try manager.leave() }
        try place.audit()
    }

    /// The same with plain SQL in between, for which there is nothing to compare: the counts must be right all the same.
    @Test(arguments: 1...4)
    func countsAreRightWhoeverWrites(_ seed: Int) throws {
        let place = try TemporaryStore()
        var random = SplitMix(state: UInt64(seed))
        var now = Timestamp.start
        let stores = try (0..<3).map { try place.open("\($0)") }
        let shell = try place.shell()
        for round in 0..<(isSanitized ? 60 : 300) {
            now = Timestamp(rawValue: now.rawValue + .random(in: 0...900, using: &random))
            if Int.random(in: 0..<3, using: &random) == 0 {
                _ = shell.complaint(randomSQL(using: &random))
            } else {
                let store = stores[Int.random(in: 0..<3, using: &random)]
                let last = try shell.rows("SELECT seq FROM sqlite_sequence WHERE name = 'task_state'").first
                let lastID = last.flatMap(Int64.init) ?? 0
                let operations = (0..<Int.random(in: 1...8, using: &random))
                    .flatMap { _ in
                        let session = SessionID(connection: .random(in: 1...3, using: &random), of: store.manager)
                        let actions =
                            Int.random(in: 0..<6, using: &random) == 0
                            ? randomBurst(of: lastID, using: &random)
                            : [randomAction(of: lastID, using: &random, referring: false)]
                        return spread(actions, from: session, of: store.manager, using: &random)
                    }
                _ = try store.run(Batch(operations, now: now))
            }
            if round % 20 == 0 { try place.audit() }
        }
        for store in stores { try store.leave() }
        try place.audit()
    }
}

/// One manager, twice: on SQLite and in memory.
private final class Twin {
    private let tested: SQLiteStore
    private let plain: any Store
    private let queue: MemoryQueue

    /// What each connection uses and watches, so that it counts itself out only where it is in.
    private var referred: [UInt32: [TubeName: (using: Int, watching: Int)]] = [:]

    init(_ place: TemporaryStore, _ queue: MemoryQueue, _ name: String, _ now: Timestamp) throws {
        tested = try place.open(name, at: now)
        plain = try queue.open(name, at: now)
        self.queue = queue
        #expect(tested.manager == plain.manager)
    }

    func kill() throws {
        tested.abandon()
        try queue.kill(plain)
    }

    func leave() throws {
        try tested.leave()
        try plain.leave()
    }

    func compareMaintenance(at now: Timestamp) throws {
        let order = { (a: DeadManager, b: DeadManager) in a.id.rawValue < b.id.rawValue }
        let found = try tested.maintain(at: now).recovered.sorted(by: order)
        #expect(try plain.maintain(at: now).recovered.sorted(by: order) == found)
    }

    func compareBatch(at now: Timestamp, using random: inout SplitMix) throws {
        let operations = (0..<Int.random(in: 0...12, using: &random))
            .flatMap { _ in
                let connection = UInt32.random(in: 1...4, using: &random)
                let session = SessionID(connection: connection, of: tested.manager)
                let actions =
                    Int.random(in: 0..<10, using: &random) == 0
                    ? randomBurst(of: queue.lastID, using: &random)
                    : [possible(randomAction(of: queue.lastID, using: &random), connection)]
                return spread(actions, from: session, of: tested.manager, using: &random)
            }
        let batch = Batch(operations, now: now)
        let expected = try plain.run(batch)
        let result = try tested.run(batch)
        for (index, outcome) in result.outcomes.enumerated() {
            if outcome == .heldBack { takeBack(operations[index]) }
            try #require(
                outcome == expected.outcomes[index],
                "\(operations[index]) as number \(index) of \(operations)"
            )
        }
        try #require(result.needsDurability == expected.needsDurability, "\(operations)")
        try #require(result.timePassed == expected.timePassed)
        try #require(result.nextEvent == expected.nextEvent, "\(operations)")
    }

    /// A reference that was held back is none.
    private func takeBack(_ operation: Operation) {
        guard case .refer(let tube, let using, let watching) = operation.action else { return }
        for connection in referred.keys where SessionID(connection: connection, of: tested.manager) == operation.session
        {
            referred[connection]?[tube]?.using -= using
            referred[connection]?[tube]?.watching -= watching
        }
    }

    /// Turns a reference that a connection cannot give up, since it has none, into one that it takes.
    private func possible(_ action: Action, _ connection: UInt32) -> Action {
        guard case .refer(let tube, let using, let watching) = action else { return action }
        let present = referred[connection]?[tube] ?? (0, 0)
        let next = (using: max(0, min(1, present.using + using)), watching: max(0, min(1, present.watching + watching)))
        referred[connection, default: [:]][tube] = next
        return .refer(tube, using: next.using - present.using, watching: next.watching - present.watching)
    }
}

private let names = (0..<6).map { TubeName("tube-\($0)")! } + [.default]

private func randomAction(of tasks: Int64, using random: inout SplitMix, referring: Bool = true) -> Action {
    func number(_ range: ClosedRange<UInt32>) -> UInt32 { .random(in: range, using: &random) }
    let tube = names[Int(number(0...6))]
    // Mostly one of the last, which are likely to exist.
    let id = TaskID(rawValue: max(1, tasks + 2 - Int64(number(0...60))))
    let priority = [number(0...3), number(1020...1027), number(0...(.max))][Int(number(0...2))]
    let delay = number(0...3) == 0 ? number(1...4) : 0
    switch number(0...(referring ? 49 : 39)) {
    case 0...9:
        let body = [UInt8](repeating: UInt8(number(0...255)), count: Int(number(0...40)))
        return .put(NewTask(tube: tube, priority: priority, delay: delay, timeToRun: number(0...9), body: body))
    case 10...16:
        let tubes = names.shuffled(using: &random).prefix(Int(number(1...7)))
        return .claim(tubes: Array(tubes), count: Int(number(1...4)) % 4 + 1, waits: number(0...5) == 0)
    case 17: return .claimTask(id)
    case 18...20: return .delete(id)
    case 21...22: return .release(id, priority: priority, delay: delay)
    case 23...24: return .bury(id, priority: priority)
    case 25: return .touch(id)
    case 26: return .kick(tube, bound: Int(number(0...3)))
    case 27: return .kickTask(id)
    case 28: return .peek(id)
    case 29: return .peekNext(tube, TaskState.allCases[Int(number(0...3))])
    case 30: return .pause(tube, seconds: number(0...3))
    case 31: return .taskStatistics(id)
    case 32: return .tubeStatistics(tube)
    case 33: return .storeStatistics
    case 34: return .listTubes
    case 35: return .expire(id)
    case 36: return .giveBack
    case 40...41: return .takeUp(SessionName("session-\(number(0...3))")!)
    case 42...46:
        let task = NewTask(tube: tube, priority: priority, delay: delay, timeToRun: number(0...9), body: [1])
        return .putUnique(UniqueKey("key-\(number(0...30))")!, task)
    case 48: return .giveBackAll
    case 47: return .clear(tube, TaskState.allCases[Int(number(0...3))], limit: Int(number(0...5)))
    default:
        guard referring else { return .refer(tube, using: 1, watching: 0) }
        return .refer(tube, using: Int(number(0...2)) - 1, watching: Int(number(0...2)) - 1)
    }
}

/// What clients send that do not wait for answers: many puts, claims of many tasks, deletes of one task after the other.
private func randomBurst(of tasks: Int64, using random: inout SplitMix) -> [Action] {
    func number(_ range: ClosedRange<Int>) -> Int { .random(in: range, using: &random) }
    let tube = names[number(0...6)]
    let count = number(1...70)
    func puts() -> [Action] {
        let priority = UInt32(number(1020...1027))
        return (0..<count)
            .map { index in
                let isOdd = number(0...40) == 0
                let task = NewTask(
                    tube: isOdd ? names[number(0...6)] : tube,
                    priority: isOdd ? UInt32(number(0...2000)) : priority,
                    delay: isOdd ? UInt32(number(0...3)) : 0,
                    timeToRun: UInt32(number(0...9)),
                    body: [UInt8](repeating: UInt8(index), count: number(0...30))
                )
                return .put(task)
            }
    }
    func deletes(from first: Int64) -> [Action] {
        (0..<Int64(count)).map { .delete(TaskID(rawValue: max(1, first + $0))) }
    }
    let claim = Action.claim(tubes: [tube], count: number(1...count + 3), waits: number(0...5) == 0)
    func deletesAndClaims() -> [Action] {
        (0..<Int64(count))
            .flatMap { index in
                let isOdd = number(0...60) == 0
                let delete = Action.delete(TaskID(rawValue: tasks + (isOdd ? Int64(number(1...90)) : index + 1)))
                return [delete, .claim(tubes: [tube], count: isOdd ? 2 : 1, waits: number(0...60) == 0)]
            }
    }
    func singleClaims() -> [Action] {
        (0..<count).map { _ in .claim(tubes: [tube], count: 1, waits: number(0...80) == 0) }
    }
    return switch number(0...6) {
    case 6: [.clear(tube, .pending, limit: 1000)] + puts() + singleClaims() + deletes(from: tasks + 1)
    case 5: [.clear(tube, .pending, limit: 1000)] + puts() + [claim] + deletesAndClaims()
    case 0: puts()
    case 1: [claim]
    case 2: deletes(from: tasks - Int64(number(0...100)))
    case 3: puts() + [claim]
    default: [.clear(tube, .pending, limit: 1000)] + puts() + [claim] + deletes(from: tasks + 1)
    }
}

/// Has one session do all, or several sessions in turn: then, too, deletes follow claims in the same order.
private func spread(
    _ actions: [Action],
    from session: SessionID,
    of manager: ManagerID,
    using random: inout SplitMix
) -> [Operation] {
    guard actions.count > 1, Bool.random(using: &random) else {
        return actions.map { Operation(session: session, action: $0) }
    }
    var turns = [0, 0]
    return actions.map { action in
        var turn = 0
        if case .claim = action {
            turns[0] += 1
            turn = turns[0]
        }
        if case .delete = action {
            turns[1] += 1
            turn = turns[1]
        }
        return Operation(session: SessionID(connection: UInt32(turn % 3 + 1), of: manager), action: action)
    }
}

private func randomSQL(using random: inout SplitMix) -> String {
    func number(_ range: ClosedRange<Int>) -> Int { .random(in: range, using: &random) }
    let id = number(1...200)
    let tube = "'tube-\(number(0...6))'"
    return switch number(0...9) {
    case 0...2: "INSERT INTO task (tube, body, priority) VALUES (\(tube), 'x', \(number(1000...1040)))"
    case 3: "INSERT INTO task (tube, body, delay) VALUES (\(tube), 'x', \(number(-1...3)))"
    case 4: "UPDATE task SET state = 'pending', priority = \(number(1000...1040)) WHERE id = \(id)"
    case 5: "UPDATE task SET state = 'buried' WHERE id BETWEEN \(id) AND \(id + 3)"
    case 6: "UPDATE task SET state = 'delayed', delay = \(number(0...3)) WHERE id = \(id)"
    case 7: "UPDATE task SET tube = \(tube) WHERE id BETWEEN \(id) AND \(id + 5)"
    case 8: "DELETE FROM task WHERE id = \(id)"
    default: "UPDATE task SET priority = \(number(1020...1028)) WHERE tube = \(tube)"
    }
}

/// Random numbers that a seed repeats (Steele, Lea and Flood, "Fast splittable pseudorandom number generators").
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
        return z ^ z >> 31
    }
}
