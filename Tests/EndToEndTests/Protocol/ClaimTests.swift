import Testing

extension ProtocolTests {
    /// "Worker Commands": what the session that has claimed a task may do.
    @Suite struct Claim {
        @Test func `delete removes a task that the client has reserved`() throws {
            try TestBed.with { bed in
                let client = try bed.connect()
                try client.put("a")
                try client.reserve()
                try client.ask("delete 1", "DELETED")
                try client.ask("delete 1", "NOT_FOUND")
                try client.ask("peek 1", "NOT_FOUND")
            }
        }

        @Test func `delete removes a ready, a delayed and a buried task of any client`() throws {
            try TestBed.with { bed in
                let (client, other) = (try bed.connect(), try bed.connect())
                try client.put("buried")
                try client.reserve()
                try client.ask("bury 1 0", "BURIED")
                try client.put("ready")
                try client.put("delayed", delay: 1000)
                for id in 1...3 {
                    try other.ask("delete \(id)", "DELETED")
                }
                #expect(try client.statistics("stats-tube default")["cmd-delete"] == "3")
            }
        }

        @Test func `delete does not remove a task that another client has reserved`() throws {
            try TestBed.with { bed in
                let (client, other) = (try bed.connect(), try bed.connect())
                try client.put("a")
                try other.reserve()
                try client.ask("delete 1", "NOT_FOUND")
                try other.ask("delete 1", "DELETED")
            }
        }

        @Test func `an id is not used again`() throws {
            try TestBed.with { bed in
                let client = try bed.connect()
                try client.put("a")
                try client.ask("delete 1", "DELETED")
                #expect(try client.put("b") == 2)
            }
        }

        @Test func `release makes a task ready with a new priority`() throws {
            try TestBed.with { bed in
                let client = try bed.connect()
                try client.put("a", priority: 7)
                try client.put("b", priority: 8)
                try client.reserve()
                try client.ask("release 1 9 0", "RELEASED")
                let job = try client.statistics("stats-job 1")
                #expect(job["state"] == "ready")
                #expect(job["pri"] == "9")
                #expect(job["releases"] == "1")
                #expect(try client.reserve().id == 2)
                #expect(try client.reserve().id == 1)
            }
        }

        @Test func `release with a delay makes it ready later`() throws {
            try TestBed.with { bed in
                let client = try bed.connect()
                try client.put("a")
                try client.reserve()
                try client.ask("release 1 0 1", "RELEASED")
                #expect(try client.statistics("stats-job 1")["state"] == "delayed")
                #expect(try client.statistics("stats-job 1")["delay"] == "1")
                #expect(try client.reserve().id == 1)
            }
        }

        @Test func `a buried task stays buried until it is kicked`() throws {
            try TestBed.with { bed in
                let client = try bed.connect()
                try client.put("a", priority: 7)
                try client.reserve()
                try client.ask("bury 1 3", "BURIED")
                let job = try client.statistics("stats-job 1")
                #expect(job["state"] == "buried")
                #expect(job["pri"] == "3")
                #expect(job["buries"] == "1")
                #expect(try client.reserveNow() == nil)
                try client.ask("kick 1", "KICKED 1")
                #expect(try client.reserve().id == 1)
            }
        }

        @Test func `touch restarts the full time to run`() throws {
            try TestBed.with { bed in
                let client = try bed.connect()
                try client.put("a", timeToRun: 600)
                try client.put("short", timeToRun: 1)
                try client.reserve()
                try client.reserve()
                // The last second of the short claim shows that time passes. Each touch extends the other claim.
                for _ in 1...3 {
                    try client.ask("reserve", "DEADLINE_SOON")
                    try client.ask("touch 2", "TOUCHED")
                }
                #expect(try client.statistics("stats-job 2")["state"] == "reserved")
                #expect(try client.statistics("stats-job 2")["timeouts"] == "0")
            }
        }

        @Test func `only the client with the claim may release, bury and touch`() throws {
            try TestBed.with { bed in
                let (client, other) = (try bed.connect(), try bed.connect())
                try client.put("held")
                try client.put("ready")
                try client.reserve()
                for id in 1...3 {
                    try other.ask("release \(id) 0 0", "NOT_FOUND")
                    try other.ask("bury \(id) 0", "NOT_FOUND")
                    try other.ask("touch \(id)", "NOT_FOUND")
                }
                #expect(try client.statistics("stats-job 1")["state"] == "reserved")
                #expect(try client.statistics("stats-job 2")["state"] == "ready")
            }
        }

        @Test func `a client may have several claims`() throws {
            try TestBed.with { bed in
                let client = try bed.connect()
                for body in ["a", "b", "c"] { try client.put(body) }
                for _ in 1...3 { try client.reserve() }
                #expect(try client.statistics("stats")["current-jobs-reserved"] == "3")
                for id in [2, 3, 1] { try client.ask("delete \(id)", "DELETED") }
                #expect(try client.statistics("stats")["current-jobs-reserved"] == "0")
            }
        }

        @Test(arguments: ["close", "quit"]) func `the tasks of a client that leaves are released`(how: String) throws {
            try TestBed.with { bed in
                let (leaving, other) = (try bed.connect(), try bed.connect())
                try other.put("a")
                try other.put("b")
                try leaving.reserve()
                try leaving.reserve()
                try other.send("reserve\r\n")
                if how == "quit" {
                    try leaving.send("quit\r\n")
                    leaving.expectClosed()
                } else {
                    leaving.close()
                }
                #expect(try other.task("RESERVED").id == 1)
                #expect(try other.reserve().id == 2)
                let job = try other.statistics("stats-job 1")
                #expect(job["reserves"] == "2")
                #expect(job["timeouts"] == "0")
                #expect(job["releases"] == "0")
            }
        }
    }
}
