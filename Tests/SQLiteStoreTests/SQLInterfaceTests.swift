import TaskStore
import Testing

@testable import SQLiteStore

/// The schema as people and programs use it with SQL.
@Suite struct SQLInterfaceTests {
    private let place: TemporaryStore
    private let shell: Database

    init() throws {
        place = try TemporaryStore()
        try place.open().leave()
        shell = try place.shell()
    }

    @Test func `a tube and a body are enough for a task`() throws {
        try shell.execute("INSERT INTO task (tube, body) VALUES ('mail', 'hello')")
        #expect(
            try shell.rows("SELECT id, tube, state, priority, delay, ttr, due_ms, holder, body FROM task", columns: 9)
                == ["1|mail|pending|65536|0|60|||hello"]
        )
        let age = try shell.integer("SELECT abs(created_ms - strftime('%s', 'now') * 1000) FROM task")
        #expect(try #require(age) < 60_000)
        #expect(try shell.rows("SELECT typeof(body) FROM task") == ["blob"])
        try place.audit()
    }

    @Test func `a delay makes a delayed task`() throws {
        try shell.execute("INSERT INTO task (tube, body, priority, delay, ttr) VALUES ('mail', x'00ff', 7, 30, 5)")
        #expect(
            try shell.rows("SELECT state, priority, delay, ttr, due_ms - created_ms, hex(body) FROM task", columns: 6)
                == ["delayed|7|30|5|30000|00FF"]
        )
        try place.audit()
    }

    @Test func `a manager serves inserted tasks`() throws {
        try shell.execute("INSERT INTO task (tube, body, ttr) VALUES ('mail', 'hello', 5), ('mail', 42, 5)")
        let store = try place.open()
        let session = SessionID(connection: 1, of: store.manager)
        let mail = TubeName("mail")!
        let claim = Action.claim(tubes: [mail], count: 5, waits: false)
        let result = try store.run(Batch([Operation(session: session, action: claim)], now: .start))
        let bodies = ["hello", "42"].enumerated()
            .map { index, body in
                ClaimedTask(id: TaskID(rawValue: Int64(index + 1)), tube: mail, timeToRun: 5, body: Array(body.utf8))
            }
        #expect(result.outcomes == [.claimed(bodies)])
        try store.leave()
    }

    /// A wrong statement, and the words of the error.
    @Test(arguments: [
        ("INSERT INTO task (tube, body) VALUES ('-mail', 'x')", "no hyphen in front"),
        ("INSERT INTO task (tube, body) VALUES ('', 'x')", "1 to 200"),
        ("INSERT INTO task (tube, body) VALUES ('a b', 'x')", "1 to 200"),
        ("INSERT INTO task (tube, body) VALUES ('grüße', 'x')", "1 to 200"),
        ("INSERT INTO task (tube, body) VALUES ('a' || char(0), 'x')", "1 to 200"),
        ("INSERT INTO task (tube, body) VALUES (printf('%.201c', 'a'), 'x')", "1 to 200"),
        ("INSERT INTO task (tube, body) VALUES (NULL, 'x')", "a task needs a tube"),
        ("INSERT INTO task (tube) VALUES ('mail')", "a task needs a body"),
        ("INSERT INTO task (tube, body, priority) VALUES ('mail', 'x', -1)", "priority is from 0 to 4294967295"),
        ("INSERT INTO task (tube, body, priority) VALUES ('new', 'x', 4294967296)", "priority is from 0 to 4294967295"),
        ("INSERT INTO task (tube, body, delay) VALUES ('new', 'x', -5)", "delay is from 0 to 4294967295"),
        ("INSERT INTO task (tube, body, delay) VALUES ('new', 'x', 'soon')", "cannot store TEXT value in INTEGER"),
        ("INSERT INTO task (tube, body, ttr) VALUES ('new', 'x', 0)", "ttr is from 1 to 4294967295"),
        ("INSERT INTO task (tube, body, state) VALUES ('mail', 'x', 'buried')", "leave its state out"),
        ("INSERT INTO task (tube, body, state) VALUES ('mail', 'x', 'claimed')", "leave its state out"),
        ("INSERT INTO task (tube, body, id) VALUES ('mail', 'x', 9)", "the rest is set for it"),
        ("INSERT INTO task (tube, body) VALUES ('mail', 'fine'), ('new', NULL)", "a task needs a body"),
        ("UPDATE task SET state = 'claimed'", "only a manager can claim a task"),
        ("UPDATE task SET state = 'ready'", "state is pending, delayed, claimed or buried"),
        ("UPDATE task SET state = NULL", "NOT NULL constraint failed: task_state.state"),
        ("UPDATE task SET holder = 1", "can be changed"),
        ("UPDATE task SET due_ms = 1", "can be changed"),
        ("UPDATE task SET id = id + 1", "can be changed"),
        ("UPDATE task SET reserves = 0 WHERE state = 'pending'; UPDATE task SET reserves = 9", "can be changed"),
        ("UPDATE task SET delay = 9 WHERE state = 'pending'", "set its state to 'delayed' too"),
        ("UPDATE task SET state = 'delayed', delay = 0", "at least 1"),
        ("UPDATE task SET priority = -1", "priority is from 0 to 4294967295"),
        ("UPDATE task SET tube = '-'", "1 to 200"),
        ("UPDATE task SET body = NULL", "a task needs a body"),
        ("UPDATE tube SET name = 'other'", "cannot be renamed"),
        ("UPDATE tube SET pending = -1", "CHECK constraint failed: pending >= 0"),
        ("UPDATE tube SET pause_s = 5", "pause_s and paused_until_ms are set together"),
        ("DELETE FROM tube WHERE name = 'mail'", "cannot be deleted"),
        ("DELETE FROM tube WHERE name = 'default'", "cannot be deleted"),
        ("UPDATE task_state SET state = 'pending'", "due_ms is set while delayed or claimed"),
        ("UPDATE task_state SET holder = 5 WHERE state = 'pending'", "holder is set while claimed"),
        ("UPDATE task_state SET buried_order = 5 WHERE state = 'pending'", "buried_order is set while buried"),
    ])
    func wrongValuesChangeNothing(_ sql: String, _ words: String) throws {
        try shell.execute(
            "INSERT INTO task (tube, body, delay) VALUES ('mail', 'a', 0), ('mail', 'b', 60), ('film', 'c', 0)"
        )
        let before = try shell.everything()
        let error = shell.error(of: sql)
        #expect(error?.contains(words) == true, "\(error ?? "no error")")
        #expect(try shell.everything() == before)
        try place.audit()
    }

    @Test func `updates set all columns that depend on each other`() throws {
        try shell.execute("INSERT INTO task (tube, body) VALUES ('mail', 'a'), ('mail', 'b'), ('mail', 'c')")
        try shell.execute("UPDATE task SET state = 'buried' WHERE id = 2")
        try shell.execute("UPDATE task SET state = 'buried' WHERE id = 1")
        #expect(try shell.rows("SELECT id FROM task_state WHERE state = 'buried' ORDER BY buried_order") == ["2", "1"])
        try shell.execute("UPDATE task SET state = 'delayed', delay = 60, priority = 3 WHERE id = 3")
        let left = try shell.integer("SELECT due_ms - (SELECT ms FROM clock) FROM task WHERE id = 3")
        #expect((50_000...60_000).contains(try #require(left)))
        #expect(try shell.rows("SELECT buries FROM task ORDER BY id") == ["1", "1", "0"])
        try place.audit()

        try shell.execute("UPDATE task SET state = 'pending'")
        #expect(
            try shell.rows("SELECT state, due_ms, kicks FROM task", columns: 3)
                == Array(repeating: "pending||1", count: 3)
        )
        #expect(
            try shell.rows("SELECT pending, urgent, delayed, buried FROM tube WHERE name = 'mail'", columns: 4) == [
                "3|1|0|0"
            ]
        )
        try place.audit()
    }

    @Test func `tasks move between tubes`() throws {
        try shell.execute("INSERT INTO task (tube, body) VALUES ('mail', 'a'), ('mail', 'b'), ('film', 'c')")
        try shell.execute("UPDATE task SET state = 'buried' WHERE id = 1")
        try shell.execute("UPDATE task SET tube = 'new', body = 'changed' WHERE tube = 'mail'")
        #expect(
            try shell.rows("SELECT name, position FROM tube ORDER BY position", columns: 2) == [
                "default|1", "new|2", "film|3",
            ]
        )
        #expect(try shell.rows("SELECT body FROM task WHERE tube = 'new'") == ["changed", "changed"])
        try place.audit()
    }

    @Test func `a delete removes the body and the empty tube`() throws {
        try shell.execute("INSERT INTO task (tube, body) VALUES ('mail', 'a'), ('mail', 'b'), ('film', 'c')")
        try shell.execute("DELETE FROM task WHERE tube = 'mail' AND state = 'pending'")
        #expect(try shell.rows("SELECT name FROM tube ORDER BY position") == ["default", "film"])
        #expect(try shell.rows("SELECT id FROM task_body") == ["3"])
        try shell.execute("DELETE FROM task_state")
        #expect(try shell.rows("SELECT name FROM tube ORDER BY position") == ["default"])
        try place.audit()
    }

    @Test func `ids are never used again`() throws {
        try shell.execute("INSERT INTO task (tube, body) VALUES ('mail', 'a'), ('mail', 'b')")
        try shell.execute("DELETE FROM task; INSERT INTO task (tube, body) VALUES ('mail', 'c')")
        #expect(try shell.rows("SELECT id FROM task") == ["3"])
    }

    @Test func `a claimed task can be taken from its holder`() throws {
        let store = try place.open()
        let session = SessionID(connection: 7, of: store.manager)
        func run(_ action: Action) throws -> Outcome? {
            try store.run(Batch([Operation(session: session, action: action)], now: .start)).outcomes.first
        }
        try shell.execute("INSERT INTO task (tube, body) VALUES ('mail', 'a')")
        let mail = try #require(TubeName("mail"))
        _ = try run(.claim(tubes: [mail], count: 1, waits: false))
        try shell.execute("UPDATE task SET priority = 1, ttr = 5")
        #expect(
            try shell.rows("SELECT state, priority, ttr, holder FROM task", columns: 4) == [
                "claimed|1|5|\(session.rawValue)"
            ]
        )
        try shell.execute("UPDATE task SET state = 'pending'")
        #expect(try run(.delete(TaskID(rawValue: 1))) == .deleted)
        try store.leave()
        try place.audit()
    }

    @Test func `the views are made for people`() throws {
        let store = try place.open("left")
        let session = SessionID(connection: 7, of: store.manager)
        let mail = try #require(TubeName("mail"))
        let now = try #require(try shell.integer("SELECT ms FROM clock"))
        func run(_ actions: Action...) throws {
            let operations = actions.map { Operation(session: session, action: $0) }
            _ = try store.run(Batch(operations, now: Timestamp(rawValue: now)))
        }
        let task = NewTask(tube: mail, priority: 5, delay: 0, timeToRun: 600, body: Array("first\nline".utf8))
        let binary = NewTask(tube: mail, priority: 9, delay: 0, timeToRun: 600, body: [0, 0xFF])
        try run(
            .put(task),
            .put(binary),
            .claim(tubes: [mail], count: 1, waits: false),
            .countUse(mail, using: 1, watching: 1)
        )
        try run(.pause(mail, seconds: 60))

        #expect(
            try shell.rows("SELECT id, state, held_by, bytes, start_of_body FROM task_overview ORDER BY id", columns: 5)
                == ["1|claimed|left/7|10|first line", "2|pending||2|X'00FF'"]
        )
        let left = try shell.integer("SELECT seconds_left FROM task_overview WHERE id = 1")
        #expect((500...600).contains(try #require(left)))
        let date = "____-__-__ __:__:__.___"
        #expect(
            try shell.rows("SELECT created LIKE '\(date)', due LIKE '\(date)' FROM task_overview", columns: 2) == [
                "1|1", "1|",
            ]
        )
        #expect(
            try shell.rows("SELECT name, pending, claimed, users, watchers FROM tube_overview", columns: 5)
                == ["default|0|0|0|0", "mail|1|1|1|1"]
        )
        #expect(try shell.rows("SELECT paused_until LIKE '\(date)' FROM tube_overview") == ["", "1"])
        #expect(
            try shell.rows(
                "SELECT name, address, claims, pid > 1, started LIKE '\(date)' FROM manager_overview",
                columns: 5
            )
                == ["left|127.0.0.1:0|1|1|1"]
        )
        #expect(try shell.rows("SELECT name FROM manager") == ["left"])
        #expect(try shell.rows("SELECT name FROM tube") == ["default", "mail"])
        #expect(try shell.rows("SELECT tube FROM task") == ["mail", "mail"])
        try store.leave()
    }

    @Test(arguments: [
        ("'plain'", "plain"), ("'a' || char(10, 13, 9) || 'b'", "a   b"), ("''", ""), ("x'41e942'", "X'41E942'"),
        ("char(27) || '[31m'", "X'1B5B33316D'"), ("printf('%.300c', 'ü')", String(repeating: "ü", count: 60)),
        ("'a' || char(0) || 'b'", "X'610062'"), ("char(155) || 'c'", "X'C29B63'"),
    ])
    func theStartOfABodyIsPrintable(_ body: String, _ shown: String) throws {
        try shell.execute("INSERT INTO task (tube, body) VALUES ('mail', \(body))")
        #expect(try shell.text("SELECT start_of_body FROM task_overview") == shown)
    }

    @Test func `the header identifies the file`() throws {
        #expect(try shell.integer("PRAGMA application_id") == Schema.applicationID)
        #expect(try shell.integer("PRAGMA user_version") == Schema.version)
        #expect(try shell.text("PRAGMA journal_mode") == "wal")
    }

    @Test func `the schema works in the shell too`() throws {
        let other = try TemporaryStore()
        try Database.create(other.path)
        let database = try other.shell()
        try database.execute(String(decoding: PackageResources.schema_sql, as: UTF8.self))
        try database.execute("INSERT INTO task (tube, body) VALUES ('mail', 'a')")
        let store = try other.open()
        try store.leave()
        try other.audit()
    }
}
