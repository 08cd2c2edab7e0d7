import StoreTesting
import TaskStore
import Testing

@testable import PostgresStore

@Suite(.enabled(if: TestServer.address != nil, "BEANROW_TEST_POSTGRES names no server"))
struct ConformanceTests {
    @Test(arguments: StoreConformance.checks)
    func meets(_ check: StoreCheck) throws {
        try check.run(on: TemporarySchema())
    }

    @Test(arguments: 1...4)
    func randomBatchesComeOutTheSame(_ seed: Int) throws {
        try StoreComparison.run(seed: seed, rounds: 150, on: TemporarySchema())
    }
}
