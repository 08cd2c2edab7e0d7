import SeededRandom
import StoreTesting
import TaskStore
import Testing

@testable import PostgresStore

@Suite(.enabled(if: TestServer.address != nil, "BEANROW_TEST_POSTGRES names no server"))
struct ConformanceTests {
    @Test(arguments: StoreConformance.checks)
    func `the store meets every check`(_ check: StoreCheck) throws {
        try check.run(on: TemporarySchema())
    }

    @Test(arguments: TestSeed.seeds(with: 1...3))
    func `random batches have the outcomes of the store in memory`(_ seed: UInt64) throws {
        try StoreComparison.run(seed: seed, rounds: 150, on: TemporarySchema())
    }
}
