import TaskStore
import Testing

@testable import SQLiteStore

/// Deletes of tasks that were claimed recently.
///
/// Their rows are not read before, so what is remembered may be outdated.
@Suite struct RecentClaimsTests {
    private let mail = TubeName("mail")!
    private let place: TemporaryStore
    private let store: SQLiteStore

    init() throws {
        place = try TemporaryStore()
        store = try place.open()
        let task = NewTask(tube: mail, priority: 1, delay: 0, timeToRun: 60, body: Array("water".utf8))
        #expect(try run((1...6).map { _ in .put(task) }).count == 6)
        let claimed = try run([.claim(tubes: [mail], count: 5, waits: false)])
        guard case .claimed(let tasks) = claimed[0] else { throw StoreError(.failed, "\(claimed)") }
        #expect(tasks.map(\.id.rawValue) == [1, 2, 3, 4, 5])
    }

    private func run(_ actions: [Action], connection: UInt32 = 1) throws -> [Outcome] {
        let session = SessionID(connection: connection, of: store.manager)
        return try store.run(Batch(actions.map { Operation(session: session, action: $0) }, now: .start)).outcomes
    }

    private func delete(_ ids: ClosedRange<Int64>) -> [Action] {
        ids.map { .delete(TaskID(rawValue: $0)) }
    }

    private func left() throws -> [String] {
        try place.shell().rows("SELECT id || state FROM task ORDER BY id")
    }

    @Test func `a range is deleted with one statement`() throws {
        #expect(store.parts.tables.recentClaims.ofOneTube(1, count: 5) != nil)
        #expect(try run(delete(1...5)) == Array(repeating: .deleted, count: 5))
        #expect(try left() == ["6pending"])
        try place.audit()
    }

    @Test func `a task that is no longer held is not deleted with the others`() throws {
        // By the same manager: a commit of another one would make this one forget less, not more.
        #expect(try run([.release(TaskID(rawValue: 2), priority: 1, delay: 0)]) == [.released])
        #expect(try run([.claim(tubes: [mail], count: 1, waits: false)], connection: 2).count == 1)
        #expect(try run(delete(1...5)) == [.deleted, .notFound, .deleted, .deleted, .deleted])
        #expect(try left() == ["2claimed", "6pending"])
        try place.audit()
    }

    @Test func `a task that is gone is not found`() throws {
        #expect(try run(delete(3...3)) == [.deleted])
        #expect(try run(delete(1...5)) == [.deleted, .deleted, .notFound, .deleted, .deleted])
        #expect(try run(delete(1...5)) == Array(repeating: .notFound, count: 5))
        #expect(try left() == ["6pending"])
        try place.audit()
    }

    @Test func `changes by SQL are noticed`() throws {
        try place.shell().execute("UPDATE task SET tube = 'letters' WHERE id = 2")
        try place.shell().execute("DELETE FROM task WHERE id = 4")
        try place.shell().execute("UPDATE task SET state = 'pending' WHERE id = 5")
        let outcomes = try run(delete(1...5) + [.claim(tubes: [mail], count: 2, waits: false)])
        #expect(outcomes.dropLast() == [.deleted, .deleted, .deleted, .notFound, .deleted])
        guard case .claimed(let tasks) = outcomes.last else { throw StoreError(.failed, "\(outcomes)") }
        #expect(tasks.map(\.id.rawValue) == [6], "a delete before it has taken the other one")
        #expect(try left() == ["6claimed"])
        #expect(try place.shell().rows("SELECT name FROM tube ORDER BY id") == ["default", "mail"])
        try place.audit()
    }

    @Test func `the tasks of another session stay`() throws {
        let others = try run(delete(1...4), connection: 2)
        #expect(others == Array(repeating: .notFound, count: 4))
        #expect(try left().count == 6)
        try place.audit()
    }

    @Test func `the rows of a range with two tubes or with a key are read`() throws {
        var recent = RecentClaims()
        for task in Int64(10)...14 { recent.add(task, tube: task == 12 ? 2 : 1, isKeyed: task == 14) }
        #expect(recent.ofOneTube(10, count: 2)?.map(\.tube) == [1, 1])
        #expect(recent.ofOneTube(10, count: 3) == nil)
        #expect(recent.ofOneTube(13, count: 1)?.map(\.tube) == [1])
        #expect(recent.ofOneTube(13, count: 2) == nil)
        #expect(recent.ofOneTube(14, count: 1) == nil)
        #expect(recent.ofOneTube(9, count: 2) == nil)
    }
}
