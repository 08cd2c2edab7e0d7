import Testing

extension ProtocolTests {
    /// "Other Commands": `peek…`, `kick` and `kick-job`.
    @Suite struct PeekAndKick {
        @Test func `peek reads a task in any state and any tube, and does not change it`() throws {
            try TestBed.with { bed in
                let (client, other) = (try bed.connect(), try bed.connect())
                try client.use("elsewhere")
                try client.put("ready")
                try client.put("delayed", delay: 1000)
                #expect(try other.peek("peek 1") == ReceivedTask(id: 1, body: "ready"))
                #expect(try other.peek("peek 2") == ReceivedTask(id: 2, body: "delayed"))
                try client.send("reserve-job 1\r\n")
                try client.task("RESERVED")
                #expect(try other.peek("peek 1")?.body == "ready")
                #expect(try other.peek("peek 3") == nil)
                #expect(try other.peek("peek 0") == nil)
                #expect(try other.peek("peek 18446744073709551615") == nil)
                #expect(try client.statistics("stats-job 1")["reserves"] == "1")
            }
        }

        @Test func `peek-ready shows the next ready task of the tube in use`() throws {
            try TestBed.with { bed in
                let client = try bed.connect()
                #expect(try client.peek("peek-ready") == nil)
                try client.put("second", priority: 9)
                try client.put("first", priority: 1)
                #expect(try client.peek("peek-ready")?.body == "first")
                try client.use("elsewhere")
                #expect(try client.peek("peek-ready") == nil)
            }
        }

        @Test func `peek-delayed shows the task with the shortest delay left`() throws {
            try TestBed.with { bed in
                let client = try bed.connect()
                #expect(try client.peek("peek-delayed") == nil)
                try client.put("ready")
                try client.put("b", delay: 99)
                try client.put("c", delay: 50)
                #expect(try client.peek("peek-delayed") == ReceivedTask(id: 3, body: "c"))
                try client.ask("delete 3", "DELETED")
                #expect(try client.peek("peek-delayed") == ReceivedTask(id: 2, body: "b"))
                try client.ask("delete 2", "DELETED")
                #expect(try client.peek("peek-delayed") == nil)
            }
        }

        @Test func `buried tasks come in the order in which they were buried`() throws {
            try TestBed.with { bed in
                let client = try bed.connect()
                for body in ["a", "b", "c", "d"] { try client.put(body) }
                for _ in 1...4 { try client.reserve() }
                #expect(try client.peek("peek-buried") == nil)
                for (id, priority) in [(3, 9), (1, 5), (4, 0), (2, 7)] {
                    try client.ask("bury \(id) \(priority)", "BURIED")
                }
                for id in [3, 1, 4, 2] {
                    #expect(try client.peek("peek-buried")?.id == id)
                    try client.ask("kick 1", "KICKED 1")
                    #expect(try client.statistics("stats-job \(id)")["state"] == "ready")
                }
                #expect(try client.peek("peek-buried") == nil)
                #expect(try (0..<4).map { _ in try client.reserve().id } == [4, 1, 2, 3])
            }
        }

        @Test func `kick takes buried tasks, and delayed ones only if there are no buried ones`() throws {
            try TestBed.with { bed in
                let client = try bed.connect()
                try client.put("buried")
                try client.reserve()
                try client.ask("bury 1 0", "BURIED")
                try client.put("b", delay: 2000)
                try client.put("c", delay: 1000)
                try client.put("d", delay: 3000)
                try client.ask("kick 100", "KICKED 1")
                #expect(try client.statistics("stats-job 1")["state"] == "ready")
                try client.ask("kick 2", "KICKED 2")
                #expect(try client.statistics("stats-job 3")["state"] == "ready")
                #expect(try client.statistics("stats-job 2")["state"] == "ready")
                #expect(try client.statistics("stats-job 4")["state"] == "delayed")
                #expect(try client.statistics("stats-job 2")["kicks"] == "1")
                try client.ask("kick 100", "KICKED 1")
                try client.ask("kick 100", "KICKED 0")
            }
        }

        @Test func `kick works on the tube in use`() throws {
            try TestBed.with { bed in
                let client = try bed.connect()
                try client.use("a")
                try client.put("delayed", delay: 1000)
                try client.use("b")
                try client.ask("kick 1", "KICKED 0")
                try client.use("a")
                try client.ask("kick 0", "KICKED 0")
                try client.ask("kick 1", "KICKED 1")
            }
        }

        @Test func `kick-job works on one buried or delayed task of any tube`() throws {
            try TestBed.with { bed in
                let client = try bed.connect()
                try client.put("buried")
                try client.reserve()
                try client.ask("bury 1 0", "BURIED")
                try client.put("delayed", delay: 1000)
                try client.use("elsewhere")
                for id in 1...2 {
                    try client.ask("kick-job \(id)", "KICKED")
                    #expect(try client.statistics("stats-job \(id)")["state"] == "ready")
                    #expect(try client.statistics("stats-job \(id)")["kicks"] == "1")
                    try client.ask("kick-job \(id)", "NOT_FOUND")
                }
                try client.ask("kick-job 100", "NOT_FOUND")
                try client.reserve()
                try client.ask("kick-job 1", "NOT_FOUND")
            }
        }
    }
}
