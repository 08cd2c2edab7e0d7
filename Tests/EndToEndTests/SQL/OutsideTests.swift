import Foundation
import Testing

extension SQLTests {
    /// Writes of other programs while managers run.
    @Suite struct OutsideTests {
        @Test func `an inserted task reaches a consumer that waits at any manager`() throws {
            try TestBed.with(managers: 2) { bed in
                for index in 0...1 {
                    let client = try bed.connect(index)
                    try client.watchOnly("mail-\(index)")
                    try client.send("reserve\r\n")
                    try bed.sql("INSERT INTO task (tube, body) VALUES ('mail-\(index)', 'hello');")
                    #expect(try client.task("RESERVED").body == "hello")
                }
                try bed.expectCountsToBeRight()
            }
        }

        @Test func `an inserted delayed task reaches a waiting consumer when it is due`() throws {
            try TestBed.with { bed in
                let client = try bed.connect()
                try client.send("reserve\r\n")
                try bed.sql("INSERT INTO task (tube, body, delay) VALUES ('default', 'later', 1);")
                #expect(try client.task("RESERVED").body == "later")
                let ages = try bed.sql("SELECT (SELECT ms FROM clock) - created_ms >= 1000 FROM task;")
                #expect(ages == "1")
            }
        }

        @Test(arguments: [
            "UPDATE task SET state = 'pending' WHERE state = 'buried';",
            "UPDATE task SET tube = 'mail' WHERE tube = 'elsewhere';",
            "UPDATE task SET state = 'pending' WHERE state = 'delayed';",
            "UPDATE tube SET pause_s = 0, paused_until_ms = NULL WHERE name = 'paused';",
        ]) func `a task that an update makes pending reaches a waiting consumer`(statement: String) throws {
            try TestBed.with { bed in
                try bed.sql(
                    """
                    INSERT INTO task (tube, body) VALUES ('mail', 'found'), ('elsewhere', 'found'), ('paused', 'found');
                    INSERT INTO task (tube, body, delay) VALUES ('mail', 'found', 1000);
                    UPDATE task SET state = 'buried' WHERE tube = 'mail' AND state = 'pending';
                    UPDATE tube SET pause_s = 1000, paused_until_ms = (SELECT ms FROM clock) + 1000000 WHERE name = 'paused';
                    """
                )
                let client = try bed.connect()
                try client.ask("watch mail", "WATCHING 2")
                try client.ask("watch paused", "WATCHING 3")
                #expect(try client.reserveNow() == nil)
                try client.send("reserve\r\n")
                try bed.sql(statement)
                #expect(try client.task("RESERVED").body == "found")
                #expect(try client.reserveNow() == nil)
                try bed.expectCountsToBeRight()
            }
        }

        @Test(arguments: ["delete 1", "release 1 0 0", "bury 1 0", "touch 1"])
        func `a client whose task was deleted or buried by SQL does not find it`(command: String) throws {
            for statement in ["DELETE FROM task WHERE id = 1;", "UPDATE task SET state = 'delayed', delay = 1000;"] {
                try TestBed.with(managers: 2) { bed in
                    let client = try bed.connect()
                    try client.put("taken away")
                    try client.reserve()
                    try bed.sql(statement)
                    if command == "delete 1", !statement.hasPrefix("DELETE") { return }
                    try client.ask(command, "NOT_FOUND")
                    // The connection has lost no other task.
                    let second = try client.put("another")
                    #expect(try client.reserve().id == second)
                    try client.ask("delete \(second)", "DELETED")
                    try bed.expectCountsToBeRight()
                }
            }
        }

        @Test func `ending a claim with SQL does not end a later claim of the same task`() throws {
            try TestBed.with { bed in
                let (first, second) = (try bed.connect(), try bed.connect())
                try first.put("twice", timeToRun: 2)
                try first.put("marker", timeToRun: 3)
                try first.reserve()
                try first.reserve()
                try bed.sql("UPDATE task SET state = 'pending', ttr = 600 WHERE id = 1;")
                #expect(try second.reserve().body == "twice")
                // When the claim of the marker ends, the time of the first claim is over too.
                #expect(try second.reserve().body == "marker")
                #expect(try second.reserveNow() == nil)
                try first.ask("delete 1", "NOT_FOUND")
                try second.ask("delete 1", "DELETED")
            }
        }

        @Test(arguments: [
            "INSERT OR IGNORE INTO task (tube, body, priority) VALUES ('mail', 'ghost', -1);",
            "INSERT OR IGNORE INTO task (tube, body, ttr) VALUES ('new', 'ghost', 'long');",
            "INSERT OR IGNORE INTO task (tube, body) VALUES ('no good name', 'ghost');",
            "INSERT OR REPLACE INTO task (tube, body, delay) VALUES ('mail', 'ghost', -1);",
            "INSERT OR REPLACE INTO tube (name) VALUES ('mail');",
            "INSERT OR REPLACE INTO tube (id, name) VALUES (1, 'new');",
            "UPDATE OR REPLACE tube SET position = 1 WHERE name = 'mail';",
            """
            INSERT OR REPLACE INTO task_state (id, tube_id, state, priority, delay_s, ttr_s, created_ms)
            VALUES (1, 1, 'pending', 0, 0, 1, 0);
            """,
            "UPDATE OR REPLACE task_state SET id = 2 WHERE id = 1;",
            "INSERT INTO task_body (id, body) VALUES (1001, 'ghost');",
            "UPDATE task_body SET id = 1001 WHERE id = 1;",
            "DELETE FROM task_body WHERE id = 1;",
            "UPDATE OR IGNORE task SET priority = -1, body = 'ghost' WHERE id = 1;",
        ]) func `conflict clauses do not bypass the rules`(statement: String) throws {
            try TestBed.with { bed in
                let client = try bed.connect()
                try client.use("mail")
                try client.put("a")
                try client.put("b")
                // The last rowid of the connection is the id of a future task, which could not be put if a body had
                // this id.
                let result = try bed.run(
                    "sqlite3",
                    [
                        "-bail", bed.database,
                        """
                        PRAGMA wal_autocheckpoint = 0;
                        CREATE TABLE mine (id INTEGER PRIMARY KEY);
                        INSERT INTO mine VALUES (3);
                        \(statement)
                        """,
                    ]
                )
                #expect(result.end != .exited(0))
                #expect(
                    try bed.sql("SELECT id, tube, state, CAST(body AS TEXT) FROM task;") == """
                        1|mail|pending|a
                        2|mail|pending|b
                        """
                )
                #expect(try bed.sql("SELECT id, name, position FROM tube;") == "1|default|1\n2|mail|2")
                #expect(try bed.sql("SELECT count(*) FROM task_body;") == "2")
                #expect(try client.put("c") == 3)
                #expect(try client.peek("peek 3")?.body == "c")
                try bed.expectCountsToBeRight()
            }
        }

        @Test func `counts are right with any settings of the connection`() throws {
            try TestBed.with { bed in
                try bed.sql(
                    """
                    PRAGMA foreign_keys = ON;
                    PRAGMA recursive_triggers = ON;
                    INSERT INTO task (tube, body) VALUES ('a', '1'), ('a', '2'), ('b', '3'), ('c', '4'), ('d', '5');
                    INSERT OR REPLACE INTO task (tube, body) VALUES ('a', '6');
                    UPDATE task SET tube = 'b' WHERE id = 1;
                    UPDATE task SET state = 'buried' WHERE id = 2;
                    DELETE FROM task WHERE tube = 'c';
                    DELETE FROM task_state WHERE id = 5;
                    """
                )
                try bed.expectCountsToBeRight()
                #expect(
                    try bed.sql("SELECT name, pending, buried FROM tube ORDER BY name;") == "a|1|1\nb|2|0\ndefault|0|0"
                )
            }
        }
    }
}
