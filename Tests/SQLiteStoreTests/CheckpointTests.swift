import Glibc
import TaskStore
import Testing

@testable import SQLiteStore

/// The write-ahead log: it is emptied and stays short, and a person is told if it does not.
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

    @Test func `the log stays short`() throws {
        let stores = [try place.open("a"), try place.open("b")]
        for round in 0..<20 { try fill(stores[round % 2], tasks: 500) }
        // Twice the frames that start a checkpoint: a batch may be long.
        #expect(try logBytes() < Checkpointer.bytes * 2 + 65536)
        #expect(stores[0].parts.sharedPage.logFrames < Checkpointer.bytes / 4096 * 2)
        let tables = try #require(try place.shell().integer("PRAGMA page_count"))
        #expect(tables > 10_000)
        try place.audit()
        for store in stores { try store.leave() }
        #expect(FileIdentity(path: place.path + "-wal") == nil, "the last one to leave removes the log")
    }

    @Test func `the file has room for everything in the log`() throws {
        let store = try place.open()
        // Nothing is copied while a program reads the old state.
        let reader = try place.shell()
        try reader.execute("BEGIN; SELECT count(*) FROM task")
        try fill(store, tasks: 1000)
        let pages = try #require(try place.shell().integer("PRAGMA page_count"))
        var information = stat()
        try #require(stat(place.path, &information) == 0)
        #expect(pages > 1000)
        #expect(Int64(information.st_size) >= pages * 4096)
        #expect(Int64(information.st_size) % Int64(TaskTables.growth) == 0)
        #expect(Int64(information.st_blocks) * 512 >= pages * 4096, "the blocks are allocated")
        try reader.execute("COMMIT")
        try fill(store, tasks: 100)
        try place.audit()
        try store.leave()
    }

    @Test func `a reader that blocks the checkpoint stops no manager`() throws {
        let store = try place.open()
        try fill(store, tasks: 100)
        let reader = try place.shell()
        try reader.execute("BEGIN; SELECT count(*) FROM task")
        try fill(store, tasks: 6000)
        #expect(store.parts.sharedPage.blockedCheckpoint > 0)
        #expect(try reader.integer("SELECT count(*) FROM task_state") == 100, "the reader sees what it saw")
        #expect(try logBytes() > Checkpointer.bytes * 3)

        try reader.execute("COMMIT")
        try fill(store, tasks: 4000)
        #expect(store.parts.sharedPage.blockedCheckpoint == 0)
        #expect(store.parts.sharedPage.logFrames < Checkpointer.bytes / 4096 * 2)
        #expect(try logBytes() < Checkpointer.bytes * 3, "the file is short again")
        try place.audit()
        try store.leave()
    }

    @Test func `a log that keeps growing is reported once per doubling`() throws {
        let store = try place.open()
        let checkpointer = store.parts.checkpointer
        func report(_ megabytes: Int) -> Bool {
            store.parts.sharedPage.logFrames = (megabytes << 20) / 4096
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
        store.parts.sharedPage.logFrames = 0
        try store.leave()
    }

    @Test func `a log that cannot be emptied has a limit`() throws {
        var options = SQLiteStore.Options.test
        options.mostLogBytes = 12 << 20
        let store = try SQLiteStore.open(path: place.path, name: "a", address: "", at: .start, options: options)
        let session = SessionID(connection: 1, of: store.manager)
        func run(_ action: Action) throws -> Outcome {
            try store.run(Batch([Operation(session: session, action: action)], now: .start)).outcomes[0]
        }
        let task = NewTask(tube: mail, priority: 1, delay: 0, timeToRun: 60, body: [UInt8](repeating: 1, count: 40_000))
        try fill(store, tasks: 100)
        let reader = try place.shell()
        try reader.execute("BEGIN; SELECT count(*) FROM task")
        var puts = 0
        while try run(.put(task)) != .storageFull, puts < 10_000 { puts += 1 }
        #expect((100..<10_000).contains(puts))
        #expect(try logBytes() < 14 << 20)

        // Operations that add no task continue, until the log is twice as long.
        #expect(try run(.delete(TaskID(rawValue: 1))) == .deleted)
        var changes = 0
        let error = #expect(throws: StoreError.self) {
            while changes < 100_000 {
                _ = try run(.claim(tubes: [mail], count: 1, waits: false))
                _ = try run(.release(TaskID(rawValue: 2), priority: 1, delay: 0))
                changes += 1
            }
        }
        #expect(error?.code == .full)
        #expect(error?.message.contains("-wal: the log is as long as it may become") == true, "\(error?.message ?? "")")
        #expect(changes > 100)
        for second in 1...20 { _ = try store.maintain(at: Timestamp.start.adding(seconds: UInt32(second * 5))) }
        #expect(try logBytes() < 26 << 20)
        guard case .found = try run(.peek(TaskID(rawValue: 2))) else { throw StoreError(.failed, "no peek") }

        try reader.execute("COMMIT")
        _ = try store.maintain(at: Timestamp.start.adding(seconds: 200))
        #expect(try run(.put(task)) == .inserted(TaskID(rawValue: 100 + Int64(puts) + 1)))
        try place.audit()
        try store.leave()
    }

    @Test func `the checkpoint of another program does no harm`() throws {
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
