import StoreTesting
import TaskStore
import Testing

@testable import SQLiteStore

@Suite struct ConformanceTests {
    @Test(arguments: StoreConformance.checks)
    func `the store passes`(_ check: StoreCheck) throws {
        try check.run(on: SQLiteHarness())
    }
}

/// A new database, which a check may open any number of times.
final class SQLiteHarness: StoreHarness {
    private let place: TemporaryStore

    init() throws {
        place = try TemporaryStore()
    }

    func open(_ name: String, at now: Timestamp) throws -> any Store {
        try place.open(name, at: now)
    }

    func kill(_ store: any Store) throws {
        try #require(store as? SQLiteStore).abandon()
    }

    func audit() throws {
        try place.audit()
    }
}
