import Glibc
import TaskStore
import Testing

@testable import SQLiteStore

/// The copy of the log that runs while managers write: when it begins, what it leaves, and which manager takes over if
/// it stops.
@Suite struct BackgroundCheckpointTests {
    private let place: TemporaryStore

    init() throws {
        place = try TemporaryStore()
    }

    private func run(_ store: SQLiteStore, _ actions: [Action]) throws -> [Outcome] {
        let session = SessionID(connection: 1, of: store.manager)
        return try store.run(Batch(actions.map { Operation(session: session, action: $0) }, now: .start)).outcomes
    }

    private func put(_ bytes: Int = 100_000) -> Action {
        let body = [UInt8](repeating: 7, count: bytes)
        return .put(NewTask(tube: TubeName("mail")!, priority: 1, delay: 0, timeToRun: 60, body: body))
    }

    /// Fills the log until a copy is due and has not begun.
    private func fill(_ store: SQLiteStore) throws {
        while store.parts.checkpointer.due != .copy { _ = try run(store, [put()]) }
        #expect(store.parts.checkpointer.due == .copy)
        #expect(store.parts.sharedPage.copyBegan == 0)
    }

    private func expect(_ store: SQLiteStore, _ due: Checkpointer.Due) {
        #expect(store.parts.checkpointer.due == due)
    }

    /// Returns how many frames of the log count as copied.
    ///
    /// It copies none if another connection is about to.
    private func checkpointElsewhere() throws -> String {
        try place.shell().rows("PRAGMA wal_checkpoint(PASSIVE)", columns: 3)[0]
    }

    @Test func `a batch begins the copy and a later batch starts the log over`() throws {
        let store = try place.open()
        try fill(store)
        let frames = store.parts.sharedPage.logFrames
        _ = try run(store, [put()])
        #expect(store.parts.sharedPage.copyBegan == frames)
        store.parts.backgroundCheckpoint.waitUntilDone()
        #expect(store.parts.sharedPage.copied == frames)
        #expect(store.parts.sharedPage.logFrames > frames)
        expect(store, .checkpoint)
        _ = try run(store, [put(10)])
        #expect((1..<100).contains(store.parts.sharedPage.logFrames), "the log was started over")
        #expect(store.parts.sharedPage.copyBegan == 0)
        #expect(store.parts.sharedPage.copied == 0)
        try place.audit()
        try store.leave()
    }

    @Test func `another manager starts the log over`() throws {
        let stores = [try place.open("a"), try place.open("b")]
        try fill(stores[0])
        _ = try run(stores[0], [put()])
        stores[0].parts.backgroundCheckpoint.waitUntilDone()
        expect(stores[1], .checkpoint)
        _ = try run(stores[1], [put()])
        expect(stores[0], .nothing)
        for store in stores { try fill(store) }
        try place.audit()
        for store in stores { try store.leave() }
    }

    @Test func `other managers write while the copy waits`() throws {
        let stores = [try place.open("a"), try place.open("b")]
        try fill(stores[0])
        // Like a batch, but it waits while another manager commits.
        stores[0].parts.backgroundCheckpoint.begin()
        #expect(try checkpointElsewhere() == "1|-1|-1", "the log is locked against checkpoints")
        let frames = stores[0].parts.sharedPage.copyBegan
        for _ in 1...20 { _ = try run(stores[1], [put()]) }
        expect(stores[1], .nothing)
        stores[0].parts.backgroundCheckpoint.proceed(hasGrown: true)
        stores[0].parts.backgroundCheckpoint.waitUntilDone()
        #expect(stores[0].parts.sharedPage.copied == frames)
        _ = try run(stores[1], [put()])
        #expect(stores[1].parts.sharedPage.logFrames < 100)
        try place.audit()
        for store in stores { try store.leave() }
    }

    @Test func `a batch that writes nothing gives the copy up`() throws {
        let store = try place.open()
        try fill(store)
        #expect(try run(store, [.delete(TaskID(rawValue: 99_999))]) == [.notFound])
        #expect(store.parts.sharedPage.copyBegan == 0)
        expect(store, .copy)
        let length = fileLength(place.path)
        // The thread has left its checkpoint, or does so now. The next batch may be too early to begin a copy.
        while store.parts.sharedPage.copyBegan == 0 { _ = try run(store, [put(10)]) }
        store.parts.backgroundCheckpoint.waitUntilDone()
        #expect(store.parts.sharedPage.copied > 0)
        #expect(fileLength(place.path) >= length)
        try place.audit()
        try store.leave()
    }

    @Test func `a batch that fails gives the copy up`() throws {
        let store = try place.open()
        try fill(store)
        try place.shell().execute("ALTER TABLE task_body RENAME TO body")
        #expect(throws: StoreError.self) { _ = try run(store, [put()]) }
        #expect(store.parts.sharedPage.copyBegan == 0)
        store.abandon()
    }

    @Test func `the copy of a dead manager is finished under the lock`() throws {
        let store = try place.open()
        try fill(store)
        // A manager began, and does not continue.
        let began = store.parts.sharedPage.logFrames
        store.parts.sharedPage.copyBegan = began
        while store.parts.checkpointer.due == .nothing { _ = try run(store, [put()]) }
        expect(store, .checkpoint)
        #expect(store.parts.sharedPage.logFrames >= began + store.parts.checkpointer.frames)
        _ = try run(store, [put(10)])
        #expect(store.parts.sharedPage.logFrames < 100)
        #expect(store.parts.sharedPage.copyBegan == 0)
        try place.audit()
        try store.leave()
    }

    @Test func `a copy that takes long does not count as a reader`() throws {
        let stores = [try place.open("a"), try place.open("b")]
        try fill(stores[0])
        stores[0].parts.backgroundCheckpoint.begin()
        let began = stores[0].parts.sharedPage.copyBegan
        while stores[1].parts.checkpointer.due == .nothing { _ = try run(stores[1], [put()]) }
        _ = try run(stores[1], [put()])
        #expect(stores[1].parts.sharedPage.blockedCheckpoint == 0)
        #expect(stores[1].parts.sharedPage.copyBegan > began, "it gets the same time again")
        stores[0].parts.backgroundCheckpoint.proceed(hasGrown: true)
        stores[0].parts.backgroundCheckpoint.waitUntilDone()
        _ = try run(stores[1], [put()])
        #expect(stores[1].parts.sharedPage.logFrames < 100)
        try place.audit()
        for store in stores { try store.leave() }
    }

    @Test func `the store is lost if the log is cut short before it is copied`() throws {
        let store = try place.open()
        try fill(store)
        store.parts.backgroundCheckpoint.begin()
        let length = fileLength(place.path + "-wal")
        #expect(truncate(place.path + "-wal", Int(length) / 2) == 0)
        #expect(truncate(place.path + "-wal", Int(length)) == 0)
        store.parts.backgroundCheckpoint.proceed(hasGrown: true)
        store.parts.backgroundCheckpoint.waitUntilDone()
        #expect(store.parts.sharedPage.copied == 0)
        let error = #expect(throws: StoreError.self) { _ = try run(store, [put()]) }
        #expect(error?.code == .lost)
        #expect(error?.message.contains("cut short") == true, "\(error?.message ?? "")")
        store.abandon()
    }

    @Test func `leaving ends a copy`() throws {
        let stores = [try place.open("a"), try place.open("b")]
        try fill(stores[0])
        _ = try run(stores[0], [put()])
        try stores[0].leave()
        expect(stores[1], .checkpoint)
        try fill(stores[1])
        // Part of a batch that has not ended.
        stores[1].parts.backgroundCheckpoint.begin()
        try stores[1].leave()
        #expect(FileIdentity(path: place.path + "-wal") == nil, "the last one to leave removes the log")
        try place.audit()
    }

    @Test func `a store that is dropped ends its copy`() throws {
        do {
            let store = try place.open()
            try fill(store)
            store.parts.backgroundCheckpoint.begin()
        }
        let store = try place.open()
        try place.audit()
        try store.leave()
    }
}
