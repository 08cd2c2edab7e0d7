import TaskStore
import Testing

@testable import PostgresStore

/// What other programs may do with SQL, and the errors for what they may not do.
@Suite(.enabled(if: TestServer.address != nil, "BEANROW_TEST_POSTGRES names no server"))
struct SQLInterfaceTests {
    private let place = TemporarySchema()

    @Test(arguments: [
        ("INSERT INTO task (tube, body) VALUES ('-mail', 'x')", "no - in front"),
        ("INSERT INTO task (tube, body) VALUES (NULL, 'x')", "a task needs a tube"),
        ("INSERT INTO task (tube) VALUES ('mail')", "a task needs a body"),
        ("INSERT INTO task (tube, body, priority) VALUES ('mail', 'x', -1)", "priority is from 0 to 4294967295"),
        ("INSERT INTO task (tube, body, priority) VALUES ('new', 'x', 4294967296)", "priority is from 0 to 4294967295"),
        ("INSERT INTO task (tube, body, delay) VALUES ('new', 'x', -5)", "delay is from 0 to 4294967295"),
        ("INSERT INTO task (tube, body, ttr) VALUES ('new', 'x', 0)", "ttr is from 1 to 4294967295"),
        ("INSERT INTO task (tube, body, state) VALUES ('mail', 'x', 'buried')", "leave its state out"),
        ("INSERT INTO task (tube, body, id) VALUES ('mail', 'x', 9)", "the rest is set for it"),
        ("UPDATE task SET state = 'claimed'", "only a manager can claim a task"),
        ("UPDATE task SET state = 'ready'", "state is pending, delayed, claimed or buried"),
        ("UPDATE task SET state = NULL", "a task needs a state"),
        ("UPDATE task SET holder = 1", "can be changed"),
        ("UPDATE task SET due_ms = 1", "can be changed"),
        ("UPDATE task SET delay = 9 WHERE state = 'pending'", "set its state to 'delayed' too"),
        ("UPDATE task SET state = 'delayed', delay = 0", "at least 1"),
        ("UPDATE task SET state = 'delayed', delay = 4294967296", "delay is from 0 to 4294967295"),
        ("UPDATE task SET priority = -1", "priority is from 0 to 4294967295"),
        ("UPDATE task SET priority = NULL", "null value in column \"priority\""),
        ("UPDATE task SET ttr = 0", "ttr is from 1 to 4294967295"),
        ("UPDATE task SET body = NULL", "a task needs a body"),
    ])
    func `wrong values are refused and change nothing`(_ sql: String, _ words: String) throws {
        let store = try place.store()
        let shell = try place.shell()
        try shell.execute(
            "INSERT INTO task (tube, body, delay) VALUES ('mail', 'a', 0), ('mail', 'b', 60), ('film', 'c', 0)"
        )
        let everything = "SELECT string_agg(task_state::text, ' ' ORDER BY id) FROM task_state"
        let before = try shell.ask(everything).text(0, 0)
        let error = #expect(throws: PostgresError.self) { try shell.execute(sql) }
        #expect(error?.message.contains(words) == true, "\(error?.message ?? "no complaint")")
        #expect(try shell.ask(everything).text(0, 0) == before)
        // Managers add the tubes and add the counts up.
        _ = try store.maintain(at: Timestamp(rawValue: 0))
        try place.audit()
        try store.leave()
    }

    @Test func `an update moves tasks between states`() throws {
        let store = try place.store()
        let shell = try place.shell()
        try shell.execute(
            """
            INSERT INTO task (tube, body) VALUES ('mail', 'a'), ('mail', 'b'), ('mail', 'c'), ('mail', 'd');
            UPDATE task SET state = 'buried' WHERE id <= 2;
            UPDATE task SET state = 'delayed', delay = 60, priority = 3 WHERE id = 3;
            UPDATE task SET state = 'pending' WHERE id = 2;
            DELETE FROM task WHERE id = 4
            """
        )
        let states = "SELECT string_agg(id || ' ' || state, ', ' ORDER BY id) FROM task"
        #expect(try shell.ask(states).text(0, 0) == "1 buried, 2 pending, 3 delayed")
        // Managers add the tubes and add the counts up.
        _ = try store.maintain(at: Timestamp(rawValue: 0))
        try place.audit()
        try store.leave()
    }

    @Test func `after the last number of a session, numbers begin again`() throws {
        let store = try place.store()
        let shell = try place.shell()
        try shell.execute("SELECT setval('session_id', \(NamedSessionID.largest))")
        for number: UInt32 in 1...2 {
            let name = try #require(SessionName("session-\(number)"))
            let session = SessionID(connection: number, of: store.manager)
            let batch = Batch([Operation(session: session, action: .attach(name))], now: Timestamp(rawValue: 0))
            #expect(try store.run(batch).outcomes == [.attached([])])
        }
        #expect(try shell.ask("SELECT string_agg(id::text, ' ' ORDER BY id) FROM session").text(0, 0) == "1 2")
        try place.audit()
        try store.leave()
    }
}
