import Foundation
import TaskStore
import Testing

@testable import SQLiteStore

/// Files of older schema versions.
@Suite struct MigrationTests {
    private let place: TemporaryStore

    init() throws {
        place = try TemporaryStore()
    }

    /// Makes a file like an older version, with tasks in all states.
    private func makeFile(version: Int = 1) throws {
        let schema = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("schema-\(version).sql")
        try Database.create(place.path)
        let shell = try place.shell()
        try shell.execute("PRAGMA journal_mode = WAL")
        try shell.execute(String(contentsOf: schema, encoding: .utf8))
        for number in 1...6 { try shell.execute("INSERT INTO task (tube, body) VALUES ('mail', 'task \(number)')") }
        try shell.execute(
            """
            UPDATE task SET state = 'buried' WHERE id = 5;
            UPDATE task SET state = 'delayed', delay = 100000 WHERE id = 6;
            """
        )
    }

    @Test(arguments: [1, 2, 3])
    func `a file of an older version is migrated with all its tasks`(_ version: Int) throws {
        try makeFile(version: version)
        let tasks = "SELECT * FROM task ORDER BY id"
        let before = try place.shell().rows(tasks, columns: 15)
        let store = try place.open()
        #expect(try place.shell().integer("PRAGMA user_version") == Schema.version)
        #expect(before.count == 6)
        #expect(try place.shell().rows(tasks, columns: 15) == before)
        let session = SessionID(connection: 1, of: store.manager)
        func run(_ action: Action) throws -> Outcome {
            try store.run(Batch([Operation(session: session, action: action)], now: .start)).outcomes[0]
        }
        let mail = TubeName("mail")!
        let task = NewTask(tube: mail, priority: 70_000, delay: 0, timeToRun: 1, body: [1, 2, 3])
        #expect(try run(.put(task)) == .inserted(TaskID(rawValue: 7)))
        guard case .claimed(let tasks) = try run(.claim(tubes: [mail], count: 9, waits: false)) else {
            throw StoreError(.failed, "nothing claimed")
        }
        #expect(tasks.map(\.id.rawValue) == [1, 2, 3, 4, 7])
        #expect(tasks.first?.body == Array("task 1".utf8))
        #expect(try place.shell().rows("SELECT id FROM task_body WHERE checksum IS NOT NULL") == ["7"])
        try place.audit()
        try store.leave()

        // The tables are those of a new file, whatever their text.
        let fresh = try TemporaryStore()
        try fresh.open().leave()
        for question in [
            "SELECT type || ' ' || name FROM sqlite_schema ORDER BY 1",
            """
            SELECT s.name || '.' || t.name || ' ' || t.type || t."notnull" FROM sqlite_schema AS s
            JOIN pragma_table_info(s.name) AS t WHERE s.type IN ('table', 'view') ORDER BY 1
            """,
        ] {
            #expect(try place.shell().rows(question) == fresh.shell().rows(question))
        }
    }

    @Test func `a migration that fails does not change the file`() throws {
        try makeFile()
        let database = try place.shell()
        let before = try database.everything() + database.rows("SELECT sql FROM sqlite_schema ORDER BY 1")
        let step =
            "ALTER TABLE task_body ADD COLUMN checksum INTEGER; DELETE FROM task; INSERT INTO nowhere VALUES (1);"
        let error = #expect(throws: StoreError.self) {
            try Schema.establish(database, migrations: [1: step, 2: "", 3: ""])
        }
        #expect(error?.code == .unusable)
        #expect(error?.message.contains("nowhere") == true)
        #expect(!database.isInTransaction)
        #expect(try database.integer("PRAGMA user_version") == 1)
        #expect(try database.everything() + database.rows("SELECT sql FROM sqlite_schema ORDER BY 1") == before)
        // Another try succeeds.
        try place.open().leave()
    }

    @Test func `a migration over several versions is one transaction`() throws {
        try makeFile()
        let database = try place.shell()
        try database.execute("PRAGMA user_version = -1")
        let steps: [Int64: String] = [
            -1: "CREATE TABLE one (a);", 0: "CREATE TABLE two (a);",
            1: "INSERT INTO one VALUES (1); INSERT INTO two VALUES (2);", 2: "", 3: "",
        ]
        var broken = steps
        broken[1] = "INSERT INTO three VALUES (1);"
        #expect(throws: StoreError.self) { try Schema.establish(database, migrations: broken) }
        #expect(try database.integer("PRAGMA user_version") == -1)
        #expect(try database.rows("SELECT name FROM sqlite_schema WHERE name IN ('one', 'two')") == [])

        try Schema.establish(database, migrations: steps)
        #expect(try database.integer("PRAGMA user_version") == Schema.version)
        #expect(try database.rows("SELECT a FROM one UNION SELECT a FROM two") == ["1", "2"])
    }

    /// What a manager of version 3 does at its start, and at a heartbeat.
    @Test func `a manager of version 3 continues beside this one, and is not told to drain`() throws {
        try makeFile(version: 3)
        let old = try place.shell()
        let heartbeat = try old.prepare("UPDATE manager SET heartbeat_ms = ?2 WHERE id = ?1")
        defer { heartbeat.finalize() }
        let store = try place.open()
        try old.execute(
            """
            INSERT INTO manager (name, address, pid, slot, version, started_ms, heartbeat_ms)
            VALUES ('old', 'x', 1, 63, '0', 1, 1)
            """
        )
        heartbeat.bind(old.lastInsertedRow, 5)
        #expect(try heartbeat.run() == 1)
        let session = SessionID(connection: 1, of: store.manager)
        func set(_ name: String) throws -> Outcome {
            let action = Action.setDraining(manager: name, true)
            return try store.run(Batch([Operation(session: session, action: action)], now: .start)).outcomes[0]
        }
        #expect(try set("old") == .notFound)
        #expect(try store.maintain(at: .start).isToldToDrain == false)
        try old.execute("DELETE FROM manager WHERE name = 'old'")
        try store.leave()
    }

    @Test func `a manager of the old version continues during a migration`() throws {
        try makeFile()
        // The statements that it has prepared before are used afterwards.
        let old = try place.shell()
        let insert = try old.prepare("INSERT INTO task_body (id, body) VALUES (?1, x'01')")
        let read = try old.prepare("SELECT body FROM task_body WHERE id = ?1")
        defer { for statement in [insert, read] { statement.finalize() } }
        let store = try place.open()
        try old.execute("DROP TRIGGER task_body_alone")
        insert.bind(99)
        try insert.run()
        read.bind(1)
        #expect(try read.step())
        #expect(read.text(0) == "task 1")
        read.reset()
        try store.leave()
    }
}
