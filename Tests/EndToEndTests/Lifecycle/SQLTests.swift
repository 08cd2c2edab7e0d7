import Testing

extension LifecycleTests {
    /// The database is an interface: SQL of any program counts.
    @Suite struct SQL {
        @Test func `a task inserted with the sqlite3 program reaches a waiting consumer`() throws {
            try TestBed.with { bed in
                let client = try bed.connect()
                try client.watchOnly("letters")
                for number in 1...5 {
                    try client.send("reserve\r\n")
                    try bed.sql("INSERT INTO task(tube, body) VALUES ('letters', 'letter \(number)');")
                    #expect(try client.task("RESERVED").body == "letter \(number)")
                }
                let job = try client.statistics("stats-job 1")
                #expect(["tube", "state", "reserves"].map { job[$0] } == ["letters", "reserved", "1"])
            }
        }

        @Test func `priority, delay and time to run may be given`() throws {
            try TestBed.with { bed in
                let client = try bed.connect()
                try bed.sql("INSERT INTO task(tube, body) VALUES ('default', 'plain');")
                try bed.sql(
                    "INSERT INTO task(tube, body, priority, delay, ttr) VALUES ('default', 'later', 7, 1000, 99);"
                )
                try bed.sql("INSERT INTO task(tube, body, priority) VALUES ('default', 'urgent', 3);")
                let later = try client.statistics("stats-job 2")
                #expect(["state", "pri", "delay", "ttr"].map { later[$0] } == ["delayed", "7", "1000", "99"])
                #expect(try client.peek("peek-ready")?.body == "urgent")
                let tube = try client.statistics("stats-tube default")
                #expect(tube["current-jobs-ready"] == "2")
                #expect(tube["current-jobs-delayed"] == "1")
                try bed.expectCountsToBeRight()
            }
        }

        @Test(
            arguments: [
                "INSERT INTO task(tube, body) VALUES ('no good name', 'x');",
                "INSERT INTO task(tube, body) VALUES ('', 'x');",
                "INSERT INTO task(tube, body) VALUES ('-a', 'x');",
                "INSERT INTO task(tube, body) VALUES (NULL, 'x');",
                "INSERT INTO task(tube, body) VALUES ('a', NULL);",
                "INSERT INTO task(tube, body, priority) VALUES ('a', 'x', -1);",
                "INSERT INTO task(tube, body, priority) VALUES ('a', 'x', 4294967296);",
                "INSERT INTO task(tube, body, priority) VALUES ('a', 'x', 'high');",
                "INSERT INTO task(tube, body, delay) VALUES ('a', 'x', -1);",
                "INSERT INTO task(tube, body, ttr) VALUES ('a', 'x', -5);",
            ]
        ) func `wrong values are refused and change nothing`(statement: String) throws {
            try TestBed.with { bed in
                let result = try bed.run("sqlite3", ["-bail", bed.database, statement])
                #expect(result.end != .exited(0))
                #expect(!result.errors.isEmpty)
                #expect(try bed.sql("SELECT count(*) FROM task;") == "0")
                #expect(try bed.sql("SELECT name FROM tube;") == "default")
            }
        }

        @Test func `deletes and updates of pending tasks take effect`() throws {
            try TestBed.with { bed in
                let client = try bed.connect()
                for body in ["a", "b", "c"] { try client.put(body, priority: 10) }
                try bed.sql("DELETE FROM task WHERE id = 1;")
                try bed.sql("UPDATE task SET priority = 1 WHERE id = 3;")
                try client.ask("peek 1", "NOT_FOUND")
                #expect(try client.reserve().body == "c")
                #expect(try client.statistics("stats-tube default")["current-jobs-ready"] == "1")
                try bed.expectCountsToBeRight()
            }
        }

        @Test func `tasks, tubes and managers can be read`() throws {
            try TestBed.with(managers: 2) { bed in
                let client = try bed.connect()
                try client.use("letters")
                try client.put("Dear aunt", priority: 7)
                #expect(
                    try bed.sql("SELECT id, tube, state, priority, CAST(body AS TEXT) FROM task;")
                        == "1|letters|pending|7|Dear aunt"
                )
                #expect(try bed.sql("SELECT name, pending FROM tube ORDER BY name;") == "default|0\nletters|1")
                #expect(try bed.sql("SELECT name FROM manager ORDER BY name;") == "m1\nm2")
            }
        }
    }
}
