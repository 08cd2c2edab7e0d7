import TaskStore
import Testing

@testable import SQLiteStore

/// Ids at the end of their range.
@Suite struct NumbersTests {
    private let place: TemporaryStore

    init() throws {
        place = try TemporaryStore()
    }

    private func setLast(_ table: String, _ number: Int64) throws {
        let shell = try place.shell()
        try shell.execute(
            "DELETE FROM sqlite_sequence WHERE name = '\(table)'; INSERT INTO sqlite_sequence VALUES ('\(table)', \(number))"
        )
    }

    private func run(_ store: SQLiteStore, _ connection: UInt32, _ action: Action) throws -> Outcome {
        let operation = Operation(session: SessionID(connection: connection, of: store.manager), action: action)
        return try store.run(Batch([operation], now: .start)).outcomes[0]
    }

    @Test func `after the last id of a session, free ids are used again`() throws {
        let store = try place.open()
        let task = NewTask(tube: .default, priority: 1, delay: 0, timeToRun: 60, body: [1])
        try setLast("session", NamedSessionID.largest - 1)
        for number in 1...20 {
            let name = try #require(SessionName("session-\(number)"))
            let connection = UInt32(number)
            #expect(try run(store, connection, .attach(name)) == .attached([]))
            _ = try run(store, connection, .put(task))
            let claim = try run(store, connection, .claim(tubes: [.default], count: 1, waits: false))
            guard case .claimed(let tasks) = claim, tasks.count == 1 else {
                Issue.record("\(claim)")
                continue
            }
        }
        let shell = try place.shell()
        #expect(try shell.integer("SELECT count(*) FROM session") == 20)
        #expect(try shell.integer("SELECT count(*) FROM session WHERE id BETWEEN 1 AND 4294967295") == 20)
        #expect(try shell.integer("SELECT count(DISTINCT holder) FROM task_state WHERE state = 'claimed'") == 20)
        // They are claims of named sessions: they survive the connection, and end with their time to run.
        for connection in 1...20 { _ = try run(store, UInt32(connection), .disconnect(releasing: .ownClaims)) }
        #expect(try shell.integer("SELECT count(*) FROM task_state WHERE state = 'claimed'") == 20)
        let later = Timestamp(rawValue: Timestamp.start.rawValue + 61_000)
        #expect(try store.run(Batch([], now: later)).timePassed)
        #expect(try shell.integer("SELECT count(*) FROM task_state WHERE state = 'claimed'") == 0)
        try store.leave()
        try place.audit()
    }

    @Test func `after the last id of a manager none can join, and the others continue`() throws {
        let first = try place.open("a")
        try setLast("manager", ManagerID.largest - 1)
        let last = try place.open("b")
        #expect(last.manager == ManagerID(rawValue: ManagerID.largest))
        #expect {
            try place.open("c")
        } throws: { error in
            (error as? StoreError)?.message.contains("all numbers for a manager were given") == true
        }
        let task = NewTask(tube: .default, priority: 1, delay: 0, timeToRun: 60, body: [1])
        #expect(try run(last, .max, .put(task)) == .inserted(TaskID(rawValue: 1)))
        guard case .claimed(let tasks) = try run(last, .max, .claim(tubes: [.default], count: 1, waits: false)) else {
            throw StoreError(.failed, "nothing claimed")
        }
        #expect(tasks.count == 1)
        #expect(try run(first, 1, .delete(TaskID(rawValue: 1))) == .notFound, "it is another manager's")
        #expect(try run(last, .max, .delete(TaskID(rawValue: 1))) == .deleted)
        try last.leave()
        try first.leave()
        // As docs/reliability.md says.
        try place.shell().execute("UPDATE sqlite_sequence SET seq = 0 WHERE name = 'manager'")
        try place.open("c").leave()
        try place.audit()
    }

    @Test func `after the last id of a task, puts are refused with the reason`() throws {
        let store = try place.open()
        let session = SessionID(connection: 1, of: store.manager)
        let task = NewTask(tube: .default, priority: 1, delay: 0, timeToRun: 60, body: [1])
        try setLast("task_state", .max - 1)
        #expect(try run(store, 1, .put(task)) == .inserted(TaskID(rawValue: .max)))
        let put = Operation(session: session, action: .put(task))
        let list = Operation(session: session, action: .listTubes)
        let result = try store.run(Batch([put, list, put], now: .start))
        #expect(result.outcomes == [.storageFull, .tubes([.default]), .storageFull])
        #expect(result.noRoom == .ids)
        #expect(try run(store, 1, .delete(TaskID(rawValue: .max))) == .deleted)
        #expect(try store.run(Batch([put], now: .start)).noRoom == .ids, "ids are never used again")
        try store.leave()
        try place.audit()
    }
}
