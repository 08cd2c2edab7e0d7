import Testing

extension ProtocolTests {
    /// "Other Commands": `pause-tube`.
    @Suite struct Pause {
        @Test func `nothing is reserved from a paused tube until the time has passed`() throws {
            try TestBed.with { bed in
                let client = try bed.connect()
                try client.put("a")
                let start = ContinuousClock.now
                try client.ask("pause-tube default 1", "PAUSED")
                #expect(try client.reserveNow() == nil)
                #expect(try client.reserve().id == 1)
                #expect(ContinuousClock.now - start >= .milliseconds(990))
            }
        }

        @Test func `a pause of zero ends a pause`() throws {
            try TestBed.with { bed in
                let (client, other) = (try bed.connect(), try bed.connect())
                try client.put("a")
                try client.ask("pause-tube default 86400", "PAUSED")
                try other.send("reserve\r\n")
                try eventually("the client waits") { try client.statistics("stats")["current-waiting"] == "1" }
                try client.ask("pause-tube default 0", "PAUSED")
                #expect(try other.task("RESERVED").id == 1)
            }
        }

        @Test func `a pause does not stop puts or other tubes`() throws {
            try TestBed.with { bed in
                let client = try bed.connect()
                try client.ask("watch b", "WATCHING 2")
                try client.ask("pause-tube default 86400", "PAUSED")
                try client.put("a")
                try client.use("b")
                try client.put("b", priority: 9)
                #expect(try client.reserve().body == "b")
                #expect(try client.reserveNow() == nil)
                #expect(try client.statistics("stats-tube default")["current-jobs-ready"] == "1")
            }
        }

        @Test func `reserve-job takes a task from a paused tube`() throws {
            try TestBed.with { bed in
                let client = try bed.connect()
                try client.put("a")
                try client.ask("pause-tube default 86400", "PAUSED")
                try client.send("reserve-job 1\r\n")
                #expect(try client.task("RESERVED").id == 1)
            }
        }

        @Test func `the statistics of a tube show its pause`() throws {
            try TestBed.with { bed in
                let client = try bed.connect()
                try client.ask("pause-tube default 4294967295", "PAUSED")
                try client.ask("pause-tube default 1000", "PAUSED")
                let tube = try client.statistics("stats-tube default")
                #expect(tube["pause"] == "1000")
                #expect(tube["cmd-pause-tube"] == "2")
                let left = try #require(tube[number: "pause-time-left"])
                #expect((900...1000).contains(left))
                try client.ask("pause-tube unheard-of 1", "NOT_FOUND")
            }
        }
    }
}
