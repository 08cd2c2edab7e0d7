import Glibc
import TaskStore
import Testing

@testable import SQLiteStore

/// Full disks, programs that hold the lock, files that are removed.
@Suite struct FailureTests {
    private let mail = TubeName("mail")!

    private func put(_ bytes: Int, delay: UInt32 = 0) -> Action {
        let body = [UInt8](repeating: 7, count: bytes)
        return .put(NewTask(tube: mail, priority: 1, delay: delay, timeToRun: 60, body: body))
    }

    private func run(_ store: SQLiteStore, _ actions: [Action]) throws(StoreError) -> [Outcome] {
        let session = SessionID(connection: 1, of: store.manager)
        return try store.run(Batch(actions.map { Operation(session: session, action: $0) }, now: .start)).outcomes
    }

    private func expect(_ code: StoreError.Code, _ words: String, _ body: () throws -> Void) {
        do {
            try body()
            Issue.record("no error with \(words)")
        } catch {
            let error = error as? StoreError
            #expect(error?.code == code)
            #expect(error?.message.contains(words) == true, "\(error?.message ?? "")")
        }
    }

    @Test func `a database that may not grow refuses puts and serves its tasks`() throws {
        let place = try TemporaryStore()
        let store = try place.open()
        let pages = try #require(try store.parts.database.integer("PRAGMA page_count"))
        try store.parts.database.execute("PRAGMA max_page_count = \(pages + 40)")

        var ids: [TaskID] = []
        var refused = 0
        while refused == 0, ids.count < 1000 {
            for outcome in try run(store, [put(5000), put(5000), put(5000)]) {
                switch outcome {
                case .inserted(let id): ids.append(id)
                case .storageFull: refused += 1
                default: Issue.record("\(outcome)")
                }
            }
            try place.audit()
        }
        #expect(refused == 3, "a batch that does not fit puts nothing")
        #expect(ids.count > 5)

        // The other operations of a batch with a put that does not fit are done.
        let first = ids.removeFirst()
        let mixed = try run(store, [put(500_000), .delete(first), .storeStatistics, put(500_000)])
        #expect([mixed[0], mixed[1], mixed[3]] == [.storageFull, .deleted, .storageFull])
        guard case .store(let statistics) = mixed[2] else { throw StoreError(.failed, "no statistics") }
        #expect(statistics.counts.pending == ids.count)
        try place.audit()

        #expect(try run(store, ids.map { .delete($0) }) == ids.map { _ in .deleted })
        let again = try run(store, [put(5000)])
        #expect(again == [.inserted(TaskID(rawValue: Int64(ids.count) + 2))], "a put that failed used no id")
        try place.audit()
        try store.leave()
    }

    @Test(.enabled(if: Tmpfs.isAvailable, "needs root to mount a small file system"))
    func `a store on a full disk refuses puts and serves its tasks`() throws {
        let disk = try Tmpfs(kilobytes: 12_000)
        let store = try SQLiteStore.open(path: disk.path, name: "a", address: "", at: .start, options: .test)
        var ids: [TaskID] = []
        var refused = 0
        while refused < 5, ids.count < 10_000 {
            for outcome in try run(store, [put(20_000), put(20_000)]) {
                switch outcome {
                case .inserted(let id): ids.append(id)
                case .storageFull: refused += 1
                default: Issue.record("\(outcome)")
                }
            }
            try store.makeDurable()
        }
        #expect(refused >= 5)
        #expect(ids.count > 50)
        // No space is left for any program.
        disk.fill()
        while case .inserted(let id)? = try run(store, [put(20_000)]).first, ids.count < 10_000 { ids.append(id) }

        var claimed: [TaskID] = []
        while claimed.count < ids.count {
            guard case .claimed(let tasks) = try run(store, [.claim(tubes: [mail], count: 10, waits: false)])[0],
                !tasks.isEmpty
            else { break }
            #expect(tasks.allSatisfy { $0.body == [UInt8](repeating: 7, count: 20_000) })
            claimed += tasks.map(\.id)
            _ = try run(store, [.release(tasks[0].id, priority: 0, delay: 5), .touch(tasks[1].id)])
            for task in tasks { #expect(try run(store, [.delete(task.id)]) == [.deleted]) }
            try store.makeDurable()
            _ = try store.maintain(at: .start)
        }
        #expect(claimed == ids)
        #expect(try run(store, [put(20_000)]) == [.inserted(TaskID(rawValue: Int64(ids.count) + 1))], "room was made")
        try store.leave()
    }

    @Test(.enabled(if: Tmpfs.isAvailable, "needs root to mount a small file system"))
    func `a new manager on a full disk can delete`() throws {
        let disk = try Tmpfs(kilobytes: 12_000)
        func open() throws -> SQLiteStore {
            try SQLiteStore.open(path: disk.path, name: "a", address: "", at: .start, options: .test)
        }
        let first = try open()
        _ = try run(first, Array(repeating: put(20_000), count: 50))
        try first.leave()
        let second = try open()
        disk.fill()
        var deleted = 0
        for number in 1...50 where try run(second, [.delete(TaskID(rawValue: Int64(number)))]) == [.deleted] {
            deleted += 1
        }
        #expect(deleted == 50)
        #expect(FileIdentity(path: disk.path + "-reserve") == nil, "the reserve was given up")

        disk.drain()
        _ = try second.maintain(at: Timestamp.start.adding(seconds: 10))
        #expect(FileIdentity(path: disk.path + "-reserve") != nil, "and is made again if there is room")
        try second.leave()
    }

    @Test(.enabled(if: Tmpfs.isAvailable, "needs root to mount a small file system"))
    func `a manager that left a full disk can come back, and tasks can be deleted`() throws {
        let disk = try Tmpfs(kilobytes: 12_000)
        func open() throws -> SQLiteStore {
            try SQLiteStore.open(path: disk.path, name: "a", address: "", at: .start, options: .test)
        }
        let first = try open()
        _ = try run(first, Array(repeating: put(20_000), count: 50))
        disk.fill()
        // It may have no room to record that it leaves.
        try? first.leave()
        disk.fill()
        let second = try open()
        for number in 1...50 { #expect(try run(second, [.delete(TaskID(rawValue: Int64(number)))]) == [.deleted]) }
        try second.leave()
    }

    @Test func `a batch changes nothing if another program holds the lock`() throws {
        let place = try TemporaryStore()
        var options = SQLiteStore.Options.test
        options.busyTimeout = 20
        let store = try SQLiteStore.open(path: place.path, name: "a", address: "", at: .start, options: options)
        _ = try run(store, [.countUse(mail, using: 1, watching: 1), put(10, delay: 5)])
        let shell = try place.shell()
        try shell.execute("BEGIN IMMEDIATE; INSERT INTO task (tube, body) VALUES ('film', 'a')")
        let before = try Database(path: place.path).everything()
        let actions: [Action] = [
            put(10), .countUse(mail, using: -1, watching: -1), .countUse(TubeName("new")!, using: 1, watching: 0),
            .claim(tubes: [mail], count: 1, waits: true),
        ]
        expect(.busy, "another program holds the database") { _ = try run(store, actions) }
        #expect(try shell.rows("SELECT name FROM tube").contains("new") == false)
        #expect(try Database(path: place.path).everything() == before)
        #expect(try run(store, [.listTubes]) == [.tubes([.default, mail])], "reading continues")
        #expect(store.parts.sharedPage.subscriptions(of: store.parts.livenessLock.slot) == 0, "no subscription is left")

        try shell.execute("COMMIT")
        #expect(try run(store, actions).first == .inserted(TaskID(rawValue: 3)))
        try place.audit()
        try store.leave()
    }

    @Test func `a batch that fails in the middle changes nothing`() throws {
        let place = try TemporaryStore()
        let store = try place.open()
        let film = TubeName("film")!
        let empty = TubeName("empty")!
        _ = try run(
            store,
            [
                .countUse(mail, using: 1, watching: 0), put(10), put(10, delay: 5),
                .countUse(empty, using: 1, watching: 0),
            ]
        )
        let shell = try place.shell()
        try shell.execute("CREATE UNIQUE INDEX obstacle ON task_state (priority) WHERE priority = 666")
        let task = NewTask(tube: film, priority: 666, delay: 0, timeToRun: 1, body: [])
        let before = try shell.everything()
        expect(.refused, "UNIQUE constraint failed") {
            _ = try run(
                store,
                [
                    .claim(tubes: [mail], count: 1, waits: false), .countUse(mail, using: -1, watching: 0),
                    .delete(TaskID(rawValue: 1)), .kick(mail, bound: 5), .pause(.default, seconds: 5),
                    .countUse(empty, using: -1, watching: 0),
                    .countUse(film, using: 1, watching: 1), .put(task), .put(task),
                ]
            )
        }
        #expect(try shell.everything() == before)
        try shell.execute("DROP INDEX obstacle")
        // The caches of the store are unchanged too.
        let claim = Action.claim(tubes: [mail, .default], count: 5, waits: false)
        guard case .claimed(let tasks)? = try run(store, [claim]).first,
            case .tube(let ofMail)? = try run(store, [.tubeStatistics(mail)]).first
        else {
            throw StoreError(.refused, "neither tasks nor statistics")
        }
        #expect(tasks.map(\.id.rawValue) == [1], "the other task is delayed")
        #expect(ofMail.using == 1)
        #expect(ofMail.counts.claimed == 1)
        #expect(ofMail.counts.delayed == 1)
        _ = try run(store, [.countUse(film, using: 0, watching: 1), .countUse(mail, using: -1, watching: 0)])
        #expect(try run(store, [.listTubes]) == [.tubes([.default, mail, empty, film])])
        let useAgain = try run(store, [.countUse(empty, using: 1, watching: 0), .tubeStatistics(empty)])
        guard case .tube(let ofEmpty)? = useAgain.last else { throw StoreError(.refused, "\(useAgain)") }
        #expect(ofEmpty.using == 2, "the earlier one and the new one")
        #expect(try store.run(Batch([], now: .start)).nextEvent == Timestamp.start.adding(seconds: 5))
        try place.audit()
        try store.leave()
    }

    @Test(arguments: ["", "-wal", "-shm"])
    func `the store is lost if a file is removed`(_ suffix: String) throws {
        let place = try TemporaryStore()
        let store = try place.open()
        _ = try run(store, [put(10)])
        try store.makeDurable()
        unlink(place.path + suffix)
        expect(.lost, "removed or replaced") { _ = try store.maintain(at: .start) }
        if suffix == "-wal" { expect(.lost, "removed or replaced") { try store.makeDurable() } }
    }

    @Test(arguments: ["", "-lock", "-shm"])
    func `the store is lost if a file is replaced`(_ suffix: String) throws {
        let place = try TemporaryStore()
        let store = try place.open()
        #expect(rename(place.path + suffix, place.path + ".old") == 0)
        try Database.create(place.path + suffix)
        expect(.lost, "removed or replaced") { _ = try store.maintain(at: .start) }
        unlink(place.path + ".old")
    }

    @Test(arguments: [0, 1, 2])
    func `the store is lost if the database is cut short`(_ halves: Int) throws {
        let place = try TemporaryStore()
        let store = try place.open()
        _ = try run(store, (1...300).map { _ in put(5000) })
        try store.checkpoint()
        _ = try store.maintain(at: .start)
        let length = fileLength(place.path)
        #expect(length > 1 << 20)
        #expect(truncate(place.path, Int(length) * halves / 2) == 0)
        guard halves < 2 else {
            _ = try store.maintain(at: .start)
            return try store.leave()
        }
        expect(.lost, "cut short") { _ = try store.maintain(at: .start) }
    }

    @Test func `a database that is cut short is not written`() throws {
        let place = try TemporaryStore()
        let store = try place.open()
        _ = try run(store, (1...300).map { _ in put(5000) })
        try store.checkpoint()
        _ = try store.maintain(at: .start)
        #expect(truncate(place.path, 4096) == 0)
        expect(.lost, "cut short") { for _ in 1...100 { _ = try run(store, (1...30).map { _ in put(5000) }) } }
        #expect(fileLength(place.path) == 4096)
    }

    @Test(arguments: [0, 1, 3])
    func `a log that is cut short is not copied`(_ quarters: Int) throws {
        let place = try TemporaryStore()
        let store = try place.open()
        for _ in 1...30 { _ = try run(store, (1...10).map { _ in put(5000) }) }
        let before = try bytes(of: place.path)
        #expect(truncate(place.path + "-wal", Int(fileLength(place.path + "-wal")) * quarters / 4) == 0)
        // Pages in the cache of this manager are not read, so it does not notice at once.
        expect(.lost, "cut short") { for _ in 1...100 { _ = try run(store, (1...30).map { _ in put(5000) }) } }
        #expect(try bytes(of: place.path).starts(with: before), "nothing was copied, although there is room")
    }

    @Test func `an empty log is no error`() throws {
        let place = try TemporaryStore()
        let store = try place.open()
        for _ in 1...30 { _ = try run(store, (1...10).map { _ in put(5000) }) }
        try place.shell().execute("PRAGMA wal_checkpoint(TRUNCATE)")
        try store.checkpoint()
        for _ in 1...100 { _ = try run(store, (1...30).map { _ in put(5000) }) }
        _ = try store.maintain(at: Timestamp.start.adding(seconds: 5))
        try place.audit()
        try store.leave()
    }

    private func bytes(of path: String) throws -> [UInt8] {
        // By another process: closing a descriptor here would release SQLite's locks.
        let copy = path + "-copy"
        try #require(system("cp '\(path)' '\(copy)'") == 0)
        let file = try #require(fopen(copy, "re"))
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: Int(fileLength(copy)))
        return Array(bytes[..<fread(&bytes, 1, bytes.count, file)])
    }

    @Test func `a manager whose row is removed stops`() throws {
        let place = try TemporaryStore()
        let store = try place.open()
        try place.shell().execute("DELETE FROM manager")
        expect(.lost, "this manager's row was removed") {
            _ = try store.maintain(at: .start)
        }
    }

    @Test func `the store is lost if the database is damaged`() throws {
        let place = try TemporaryStore()
        let store = try place.open()
        _ = try run(store, [put(10)])
        try place.shell().execute("PRAGMA ignore_check_constraints = 1; UPDATE task_state SET state = 'zombie'")
        expect(.lost, "damaged") { _ = try run(store, [.delete(TaskID(rawValue: 1))]) }
    }
}

/// A file system of a few megabytes in memory.
private final class Tmpfs {
    static let isAvailable =
        geteuid() == 0 && access("/usr/bin/mount", X_OK) == 0 && (try? Tmpfs(kilobytes: 100)) != nil

    private let place: TemporaryStore
    var path: String { place.path }

    init(kilobytes: Int) throws {
        place = try TemporaryStore()
        guard system("mount -t tmpfs -o size=\(kilobytes)k tmpfs '\(place.directory)' 2>/dev/null") == 0 else {
            throw StoreError(.unusable, "cannot mount")
        }
    }

    deinit {
        drain()
        _ = system("umount -l '\(place.directory)'")
    }

    /// Uses up all space.
    func fill() {
        let descriptor = Glibc.open(place.directory + "/filler", O_CREAT | O_WRONLY | O_APPEND, 0o600)
        let block = [UInt8](repeating: 1, count: 4096)
        while write(descriptor, block, block.count) > 0 {}
        close(descriptor)
    }

    /// Frees the space.
    func drain() {
        unlink(place.directory + "/filler")
    }
}
