import Synchronization
import SystemThread
import TaskStore
import Testing

@testable import SQLiteStore

@Suite struct OpeningTests {
    private let mail = TubeName("mail")!

    @Test func `a task is there after the store was opened again`() throws {
        let place = try TemporaryStore()
        let first = try place.open()
        let session = SessionID(connection: 1, of: first.manager)
        let task = NewTask(tube: mail, priority: 5, delay: 0, timeToRun: 10, body: [1, 2, 3])
        let put = try first.run(Batch([Operation(session: session, action: .put(task))], now: .start))
        #expect(put.needsDurability)
        let inserted = Outcome.inserted(TaskID(rawValue: 1))
        #expect(put.outcomes == [inserted])
        try first.makeDurable()
        try first.leave()

        let second = try place.open()
        #expect(second.manager != first.manager)
        let other = SessionID(connection: 1, of: second.manager)
        let claim = Action.claim(tubes: [mail], count: 1, waits: false)
        let taken = try second.run(Batch([Operation(session: other, action: claim)], now: .start))
        let expected = ClaimedTask(id: TaskID(rawValue: 1), tube: mail, timeToRun: 10, body: [1, 2, 3])
        #expect(taken.outcomes == [.claimed([expected])])
        try second.leave()
    }

    @Test(arguments: [512, 1024, 16384, 65536])
    func `a file with pages of another size works`(pageSize: Int) throws {
        let place = try TemporaryStore()
        try Database.create(place.path)
        do {
            let database = try place.shell()
            try database.execute("PRAGMA page_size = \(pageSize); PRAGMA journal_mode = WAL")
        }
        let store = try place.open()
        let session = SessionID(connection: 1, of: store.manager)
        let task = NewTask(tube: mail, priority: 5, delay: 0, timeToRun: 10, body: Array(repeating: 7, count: 3000))
        let puts = Array(repeating: Operation(session: session, action: .put(task)), count: 50)
        var batches = 0
        // Until the log has been copied into the database and is being copied again.
        for _ in 0..<2 {
            repeat {
                _ = try store.run(Batch(puts, now: .start))
                try store.makeDurable()
                batches += 1
            } while store.parts.sharedPage.logFrames < Checkpointer.bytes / pageSize
        }
        _ = try store.run(Batch(puts, now: .start))
        batches += 1
        #expect(try store.maintain(at: .start) == Maintenance())
        let database = try place.shell()
        #expect(try database.integer("PRAGMA page_size") == Int64(pageSize))
        #expect(try database.integer("SELECT count(*) FROM task") == Int64(batches * 50))
        #expect(try database.text("PRAGMA integrity_check") == "ok")
        try store.leave()
    }

    @Test func `a database that another manager is making is not refused as foreign`() throws {
        final class Maker: Sendable {
            let problem = Mutex<(any Error)?>(nil)
            let isDone = Atomic<Bool>(false)
        }
        for _ in 1...20 {
            let place = try TemporaryStore()
            try Database.create(place.path)
            let maker = Maker()
            // Like the first manager.
            let thread = try SystemThread(for: "making a database") { [path = place.path] in
                do {
                    let database = try Database(path: path)
                    database.setBusyTimeout(milliseconds: 5000)
                    _ = try database.text("PRAGMA journal_mode = WAL")
                    try Schema.establish(database)
                } catch {
                    maker.problem.withLock { $0 = error }
                }
                maker.isDone.store(true, ordering: .releasing)
            }
            let database = try Database(path: place.path)
            database.setBusyTimeout(milliseconds: 5000)
            var conditions: Set<String> = []
            var isDone: Bool
            repeat {
                isDone = maker.isDone.load(ordering: .acquiring)
                conditions.insert("\(try Schema.inspect(database))")
            } while !isDone
            thread.join()
            try maker.problem.withLock { problem in if let problem { throw problem } }
            #expect(conditions.isSubset(of: ["empty", "current"]))
            #expect(conditions.contains("current"))
        }
    }
}
