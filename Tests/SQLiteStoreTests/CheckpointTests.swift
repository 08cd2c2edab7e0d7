import Glibc
import TaskStore
import Testing

@testable import SQLiteStore

/// The write-ahead log: that it is emptied, stays short, and that a person hears of it where it does not.
@Suite struct CheckpointTests {
    private let mail = TubeName("mail")!
    private let place: TemporaryStore

    init() throws {
        place = try TemporaryStore()
    }

    private func fill(_ store: SQLiteStore, tasks: Int) throws {
        let session = SessionID(connection: 1, of: store.manager)
        let task = NewTask(tube: mail, priority: 1, delay: 0, timeToRun: 60, body: [UInt8](repeating: 1, count: 4000))
        let batch = Batch(Array(repeating: Operation(session: session, action: .put(task)), count: 100), now: .start)
        for _ in 0..<(tasks / 100) { _ = try store.run(batch) }
    }

    private func logBytes() throws -> Int {
        var information = stat()
        try #require(stat(place.path + "-wal", &information) == 0)
        return Int(information.st_size)
    }

    @Test func theLogStaysShort() throws {
        let stores = [try place.open("a"), try place.open("b")]
        for round in 0..<20 { try fill(stores[round % 2], tasks: 500) }
        // Twice the frames that start a checkpoint: a batch may be long.
        #expect(try logBytes() < Checkpointer.frames * 2 * 4200)
        #expect(stores[0].parts.board.logFrames < Checkpointer.frames * 2)
        let tables = try #require(try place.shell().integer("PRAGMA page_count"))
        #expect(tables > 10_000)
        try place.audit()
        for store in stores { try store.leave() }
        #expect(FileIdentity(path: place.path + "-wal") == nil, "the last one to leave removes the log")
        #expect(FileIdentity(path: place.path + "-wake-0") == nil)
    }

    @Test func aReaderInTheWayStopsNobody() throws {
        let store = try place.open()
        try fill(store, tasks: 100)
        let reader = try place.shell()
        try reader.execute("BEGIN; SELECT count(*) FROM task")
        try fill(store, tasks: 6000)
        #expect(store.parts.board.blockedCheckpoint > 0)
        #expect(try reader.integer("SELECT count(*) FROM task_state") == 100, "the reader sees what it saw")
        #expect(try logBytes() > Checkpointer.frames * 3 * 4096)

        try reader.execute("COMMIT")
        try fill(store, tasks: 4000)
        #expect(store.parts.board.blockedCheckpoint == 0)
        #expect(store.parts.board.logFrames < Checkpointer.frames * 2)
        #expect(try logBytes() < Checkpointer.frames * 3 * 4200, "the file is short again")
        try place.audit()
        try store.leave()
    }

    @Test func aLogThatKeepsGrowingIsReportedOnceForEachDoubling() throws {
        let store = try place.open()
        let checkpointer = store.parts.checkpointer
        func report(_ megabytes: Int) -> Bool {
            store.parts.board.logFrames = (megabytes << 20) / 4096
            return checkpointer.warning(size: megabytes << 20) != nil
        }
        #expect(report(10) == false)
        #expect(report(64) == true)
        #expect(report(64) == false)
        #expect(report(127) == false)
        #expect(report(300) == true)
        #expect(report(500) == false)
        #expect(report(512) == true)
        #expect(report(3) == false)
        #expect(report(64) == true)
        store.parts.board.logFrames = 0
        try store.leave()
    }

    @Test func anotherProgramsCheckpointDoesNoHarm() throws {
        let store = try place.open()
        try fill(store, tasks: 1000)
        try place.shell().execute("PRAGMA wal_checkpoint(TRUNCATE)")
        try fill(store, tasks: 1000)
        try store.makeDurable()
        try place.audit()
        #expect(try place.shell().integer("SELECT count(*) FROM task") == 2000)
        try store.leave()
    }
}
