import Glibc
import Synchronization
import TaskStore
import Testing

@testable import SQLiteStore

/// Managers that join and leave, also at the same instant.
@Suite struct MembershipTests {
    private let mail = TubeName("mail")!

    private func put(_ store: SQLiteStore, _ count: Int = 1) throws {
        let session = SessionID(connection: 1, of: store.manager)
        let task = NewTask(tube: mail, priority: 1, delay: 0, timeToRun: 60, body: [])
        let operations = Array(repeating: Operation(session: session, action: .put(task)), count: count)
        _ = try store.run(Batch(operations, now: .start))
        try store.makeDurable()
    }

    private func claim(_ store: SQLiteStore, _ count: Int) throws -> Int {
        let session = SessionID(connection: 1, of: store.manager)
        let operation = Operation(session: session, action: .claim(tubes: [mail], count: count, waits: false))
        guard case .claimed(let tasks)? = try store.run(Batch([operation], now: .start)).outcomes.first else {
            return 0
        }
        return tasks.count
    }

    @Test func `many managers open a missing file at the same instant`() throws {
        for _ in 0..<10 {
            let place = try TemporaryStore()
            let gate = Mutex(0)
            let failures = Mutex<[String]>([])
            Threads.run(4) { number in
                gate.withLock { $0 += 1 }
                while gate.withLock({ $0 }) < 4 {}
                do {
                    let store = try place.open("\(number)")
                    try put(store)
                    try store.leave()
                } catch {
                    failures.withLock { $0.append("\(error)") }
                }
            }
            #expect(failures.withLock { $0 } == [])
            let store = try place.open("after")
            #expect(try claim(store, 10) == 4)
            try store.leave()
            try place.audit()
        }
    }

    @Test func `managers on many threads lose no task`() throws {
        let place = try TemporaryStore()
        let first = try place.open("first")
        let failures = Mutex<[String]>([])
        // The others find the first manager that ends dead, and may claim its tasks once more.
        let claimed = Mutex(0)
        let returned = Mutex(0)
        Threads.run(3) { number in
            do {
                let store = try place.open("\(number)")
                for _ in 0..<40 {
                    try put(store, 25)
                    let count = try claim(store, 20)
                    claimed.withLock { $0 += count }
                    let recovered = try store.maintain(at: .start).recovered
                    returned.withLock { $0 += recovered.map(\.claims).reduce(0, +) }
                }
                store.abandon()
            } catch {
                failures.withLock { $0.append("\(error)") }
            }
        }
        #expect(failures.withLock { $0 } == [])
        let found = try first.maintain(at: .start).recovered
        returned.withLock { $0 += found.map(\.claims).reduce(0, +) }
        #expect(returned.withLock { $0 } == claimed.withLock { $0 })
        #expect(try claim(first, 5000) == 3000)
        try first.leave()
        try place.audit()
    }

    @Test func `a new database and the files beside it belong to their owner alone`() throws {
        let place = try TemporaryStore()
        let store = try place.open()
        for suffix in ["", "-wal", "-shm", "-lock", "-reserve"] {
            var information = stat()
            #expect(stat(place.path + suffix, &information) == 0, "\(suffix)")
            #expect(information.st_mode & 0o777 == 0o600, "\(suffix)")
        }
        try store.leave()
    }

    @Test func `a path through a symbolic link leads to the same store`() throws {
        let place = try TemporaryStore()
        let store = try place.open("a")
        let link = place.directory + "/link.db"
        #expect(symlink(place.path, link) == 0)
        let other = try SQLiteStore.open(path: link, name: "b", address: "", at: .start, options: .test)
        #expect(other.parts.files.lock == store.parts.files.lock)
        try put(store)
        #expect(try claim(other, 2) == 1)
        try other.leave()
        try store.leave()
    }

    @Test func `a manager that takes the slot of a dead one cleans up first`() throws {
        let place = try TemporaryStore()
        let dead = try place.open("dead")
        let number = dead.manager
        try put(dead, 3)
        #expect(try claim(dead, 2) == 2)
        dead.abandon()
        let next = try place.open("next")
        #expect(next.parts.livenessLock.slot == 0)
        #expect(next.recoveredAtOpening == [DeadManager(id: number, name: "dead", claims: 2)])
        #expect(try claim(next, 5) == 3)
        try next.leave()
        try place.audit()
    }

    @Test func `a living manager does not count as dead, however old its heartbeat is`() throws {
        let place = try TemporaryStore()
        let still = try place.open("still")
        let peer = try place.open("peer")
        try put(still)
        #expect(try claim(still, 1) == 1)
        let later = Timestamp.start.adding(seconds: 1_000_000)
        #expect(try peer.maintain(at: later) == Maintenance())
        #expect(
            try place.shell().rows("SELECT name, heartbeat_ms FROM manager ORDER BY id", columns: 2) == [
                "still|\(Timestamp.start.rawValue)", "peer|\(later.rawValue)",
            ]
        )
        try still.leave()
        try peer.leave()
    }

    @Test func `heartbeats continue after the clock was set back`() throws {
        let place = try TemporaryStore()
        let store = try place.open()
        let shell = try place.shell()
        func beat(after milliseconds: Int64) throws -> Int64? {
            _ = try store.maintain(at: Timestamp(rawValue: Timestamp.start.rawValue + milliseconds))
            return try shell.integer("SELECT heartbeat_ms FROM manager").map { $0 - Timestamp.start.rawValue }
        }
        #expect(try beat(after: 9000) == 0, "not at every call")
        #expect(try beat(after: 10_000) == 10_000)
        #expect(try beat(after: -9000) == -9000)
        try store.leave()
    }

    @Test func `leaving removes everything that no manager needs`() throws {
        let place = try TemporaryStore()
        let store = try place.open()
        try put(store)
        try store.leave()
        let left = ["", "-wal", "-shm", "-reserve"].filter { FileIdentity(path: place.path + $0) != nil }
        #expect(left == [""], "the database alone, and the lock, on which others may be waiting")
        #expect(try place.shell().rows("SELECT name FROM manager") == [])
    }
}

/// Threads of a test; each store is opened and used on one of them.
private enum Threads {
    /// Runs a function on several threads at once and waits for all.
    static func run(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
        final class Job: Sendable {
            let number: Int
            let body: @Sendable (Int) -> Void

            init(_ number: Int, _ body: @escaping @Sendable (Int) -> Void) {
                self.number = number
                self.body = body
            }
        }
        var threads: [pthread_t] = []
        for number in 0..<count {
            var thread = pthread_t()
            let job = Unmanaged.passRetained(Job(number, body))
            let code = pthread_create(
                &thread,
                nil,
                { argument in
                    guard let argument else { return nil }
                    let job = Unmanaged<Job>.fromOpaque(argument).takeRetainedValue()
                    job.body(job.number)
                    return nil
                },
                job.toOpaque()
            )
            if code == 0 { threads.append(thread) }
        }
        for thread in threads { pthread_join(thread, nil) }
    }
}
