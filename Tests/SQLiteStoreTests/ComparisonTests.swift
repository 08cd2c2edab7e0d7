import SeededRandom
import StoreTesting
import TaskStore
import Testing

@testable import SQLiteStore

/// Compares the SQLite store with the one in memory: every outcome of random batches of several managers.
@Suite struct ComparisonTests {
    @Test(arguments: StoreConformance.checks.filter { !$0.isLarge })
    func `the in-memory store passes`(_ check: StoreCheck) throws {
        try check.run(on: MemoryQueue())
    }

    @Test(arguments: TestSeed.seeds(with: 1...7))
    func `random batches have the same outcomes as in memory`(_ seed: UInt64) throws {
        try StoreComparison.run(seed: seed, rounds: isSanitized ? 60 : 400, on: SQLiteHarness())
    }

    /// The same with SQL of other programs in between, which has no outcomes to compare: the counts must be right.
    @Test(arguments: TestSeed.seeds(with: 1...3))
    func `counts are right for batches and for SQL`(_ seed: UInt64) throws {
        let place = try TemporaryStore()
        var random = SeededGenerator(seed: seed)
        var now = Timestamp.start
        let stores = try (0..<3).map { try place.open("\($0)") }
        let shell = try place.shell()
        for round in 0..<(isSanitized ? 60 : 300) {
            now = Timestamp(rawValue: now.rawValue + .random(in: 0...900, using: &random))
            if Int.random(in: 0..<3, using: &random) == 0 {
                _ = shell.error(of: randomSQL(using: &random))
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
                            : [randomAction(of: lastID, using: &random, counting: false)]
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
