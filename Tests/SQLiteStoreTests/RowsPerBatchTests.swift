import TaskStore
import Testing

@testable import SQLiteStore

/// A batch concerns a bounded number of rows, whatever the managers and the named sessions have.
@Suite struct RowsPerBatchTests {
    private static let count = 2 * Batch.mostRows + 500

    private let place: TemporaryStore
    private let mail = TubeName("mail")!
    private let worker = SessionName("worker")!

    init() throws {
        place = try TemporaryStore()
    }

    private func session(_ connection: UInt32, of store: SQLiteStore) -> SessionID {
        SessionID(connection: connection, of: store.manager)
    }

    @discardableResult
    private func run(_ store: SQLiteStore, _ connection: UInt32, _ actions: Action...) throws -> [Outcome] {
        let operations = actions.map { Operation(session: session(connection, of: store), action: $0) }
        return try store.run(Batch(operations, now: .start)).outcomes
    }

    /// Puts tasks, and has a connection claim all of them.
    private func claimMany(_ store: SQLiteStore, _ connection: UInt32, count: Int = Self.count) throws {
        let task = NewTask(tube: mail, priority: 1, delay: 0, timeToRun: 600, body: [1])
        let put = Operation(session: session(connection, of: store), action: .put(task))
        _ = try store.run(Batch(Array(repeating: put, count: count), now: .start))
        try run(store, connection, .claim(tubes: [mail], count: count, waits: false))
    }

    private func claims(by condition: String) throws -> Int64 {
        try #require(
            try place.shell().integer("SELECT count(*) FROM task_state WHERE state = 'claimed' AND \(condition)")
        )
    }

    /// Runs one step of taking up the named session.
    private func step(_ store: SQLiteStore, _ connection: UInt32, after last: TaskID?) throws -> ([HeldClaim], Bool) {
        let outcome = try run(store, connection, .attach(worker, after: last))[0]
        guard case .attached(let claims, let hasMore) = outcome else { throw StoreError(.failed, "\(outcome)") }
        return (claims, hasMore)
    }

    /// Attaches a connection to the named session in steps.
    private func attach(_ store: SQLiteStore, _ connection: UInt32) throws -> [[TaskID]] {
        var (claims, hasMore) = try step(store, connection, after: nil)
        var pages = [claims.map(\.id)]
        while hasMore {
            (claims, hasMore) = try step(store, connection, after: pages.joined().last ?? TaskID(rawValue: 0))
            pages.append(claims.map(\.id))
        }
        return pages
    }

    @Test func `a connection brings many claims to a named session in steps, and learns all of them`() throws {
        let store = try place.open()
        try claimMany(store, 1)
        let pages = try attach(store, 1)
        #expect(pages.allSatisfy { $0.count <= Batch.mostRows })
        #expect(pages.joined().map(\.rawValue) == Array(1...Int64(Self.count)))
        #expect(pages.count >= 5, "\(pages.map(\.count))")
        #expect(try claims(by: "holder < 4294967296") == Int64(Self.count))
        #expect(
            try run(store, 1, .delete(TaskID(rawValue: 1)), .disconnect(releasing: .ownClaims)) == [
                .deleted, .disconnected(0),
            ]
        )
        #expect(try attach(store, 2).joined().count == Self.count - 1, "the session keeps its claims")
        try store.leave()
        try place.audit()
    }

    @Test func `many sessions in one batch share its rows, and each gets its claims`() throws {
        let store = try place.open()
        for connection in 1...4 {
            try claimMany(store, UInt32(connection), count: 600)
            let name = try #require(SessionName("s\(connection)"))
            var outcome = try run(store, UInt32(connection), .attach(name))[0]
            while case .attached(_, true) = outcome {
                outcome = try run(store, UInt32(connection), .attach(name, after: TaskID(rawValue: 0)))[0]
            }
            try run(store, UInt32(connection), .disconnect(releasing: .ownClaims))
        }
        let operations = try (1...4)
            .map { number in
                let name = try #require(SessionName("s\(number)"))
                return Operation(session: session(UInt32(number + 4), of: store), action: .attach(name))
            }
        let counts = try store.run(Batch(operations, now: .start)).outcomes
            .map { outcome in
                guard case .attached(let claims, let hasMore) = outcome else { return "\(outcome)" }
                return "\(claims.count) \(hasMore)"
            }
        #expect(counts == ["600 false", "400 true", "0 true", "0 true"])
        try store.leave()
        try place.audit()
    }

    @Test func `a connection that ends while it brings its claims gives back the others`() throws {
        let store = try place.open()
        try claimMany(store, 1)
        #expect(try step(store, 1, after: nil) == ([], true))
        #expect(try run(store, 1, .disconnect(releasing: .ownClaims)) == [.disconnected(Batch.mostRows)])
        #expect(try run(store, 1, .disconnect(releasing: .ownClaims)) == [.disconnected(500)])
        #expect(try claims(by: "true") == Int64(Batch.mostRows), "the session keeps what it has")
        #expect(try attach(store, 2).joined().count == Batch.mostRows)
        // With `quit` its session ends too, also in the middle.
        try claimMany(store, 3)
        #expect(try step(store, 3, after: nil) == ([], true))
        var returned = 0
        repeat {
            guard case .disconnected(let count) = try run(store, 3, .disconnect(releasing: .allClaims))[0] else {
                break
            }
            returned += count
            #expect(count <= Batch.mostRows)
            if count < Batch.mostRows { break }
        } while true
        #expect(returned == Self.count + Batch.mostRows, "those of the session too")
        try store.leave()
        try place.audit()
    }

    @Test func `a connection that was displaced while it attaches to a session is told`() throws {
        let store = try place.open()
        try claimMany(store, 1)
        #expect(try step(store, 1, after: nil) == ([], true))
        #expect(try attach(store, 2).joined().count == Batch.mostRows)
        #expect(try run(store, 1, .attach(worker, after: TaskID(rawValue: 0))) == [.superseded])
        #expect(try run(store, 1, .disconnect(releasing: .ownClaims)) == [.disconnected(Batch.mostRows)])
        #expect(try run(store, 1, .disconnect(releasing: .ownClaims)) == [.disconnected(500)])
        try store.leave()
        try place.audit()
    }

    @Test func `a manager that dies while a connection brings its claims leaves none of them held`() throws {
        let (dead, peer) = (try place.open("dead"), try place.open("peer"))
        try claimMany(dead, 1)
        #expect(try step(dead, 1, after: nil) == ([], true))
        dead.abandon()
        while try peer.maintain(at: .start).isUnfinished {}
        #expect(try claims(by: "holder >= 4294967296") == 0)
        #expect(try claims(by: "holder < 4294967296") == Int64(Batch.mostRows))
        #expect(try attach(peer, 1).joined().count == Batch.mostRows)
        try peer.leave()
        try place.audit()
    }

    @Test func `the tubes and sessions of a dead manager are removed in steps`() throws {
        let (dead, peer) = (try place.open("dead"), try place.open("peer"))
        for first in stride(from: 0, to: Self.count, by: 500) {
            let operations = (first..<first + 500)
                .flatMap { number in
                    let connection = session(UInt32(number + 1), of: dead)
                    return [
                        Operation(
                            session: connection,
                            action: .countUse(TubeName("tube-\(number)")!, using: 1, watching: 0)
                        ),
                        Operation(session: connection, action: .attach(SessionName("session-\(number)")!)),
                    ]
                }
            _ = try dead.run(Batch(operations, now: .start))
        }
        dead.abandon()
        // Each step is a transaction of its own, and a time limit may end each call after one of them.
        try peer.parts.writerLock.lock()
        var toWake: UInt64 = 0
        let row = try #require(try peer.parts.tables.managers().first { $0.id != peer.manager })
        var steps = 0
        var left = 2 * Int64(Self.count)
        while try peer.returnClaims(of: row, at: .start, wake: &toWake) != nil {
            let shell = try place.shell()
            let tubes = try #require(try shell.integer("SELECT count(*) FROM tube_user"))
            let sessions = try #require(try shell.integer("SELECT count(*) FROM session WHERE connection IS NOT NULL"))
            #expect(left - tubes - sessions <= Int64(Batch.mostRows))
            left = tubes + sessions
            steps += 1
        }
        peer.parts.writerLock.unlock()
        #expect(steps == 6)
        #expect(try place.shell().integer("SELECT count(*) FROM manager") == 1)
        #expect(try place.shell().integer("SELECT count(*) FROM tube") == 1)
        // Heartbeats remove the sessions, and look at a bounded number each.
        var now = Timestamp.start
        for most in [1500, 500, 0] {
            now = now.adding(seconds: 11)
            _ = try peer.maintain(at: now)
            #expect(try #require(try place.shell().integer("SELECT count(*) FROM session")) <= most)
        }
        try peer.leave()
        try place.audit()
    }
}
