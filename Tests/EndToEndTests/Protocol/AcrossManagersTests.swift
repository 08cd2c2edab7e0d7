import Testing

extension ProtocolTests {
    /// Tubes, tasks, pauses and counts are the same through each manager.
    ///
    /// beanstalkd passes all of this in place of both managers: two managers together behave as one.
    @Suite struct AcrossManagers {
        @Test func `a task put through one manager is reserved, peeked and deleted through another`() throws {
            try TestBed.with(managers: 2) { bed in
                let (a, b) = (try bed.connect(0), try bed.connect(1))
                #expect(try a.put("one", priority: 5) == 1)
                #expect(try b.put("two", priority: 4) == 2)
                #expect(try b.peek("peek 1")?.body == "one")
                #expect(try a.peek("peek-ready")?.body == "two")
                #expect(try b.reserve().body == "two")
                #expect(try b.reserve().body == "one")
                #expect(try a.statistics("stats-job 1")["state"] == "reserved")
                try b.ask("delete 1", "DELETED")
                try a.ask("peek 1", "NOT_FOUND")
            }
        }

        @Test func `a put through one manager wakes a client that waits at another`() throws {
            try TestBed.with(managers: 3) { bed in
                let (a, c, looking) = (try bed.connect(0), try bed.connect(2), try bed.connect(2))
                for number in 1...20 {
                    try c.send("reserve\r\n")
                    try eventually("the client waits") { try looking.statistics("stats")["current-waiting"] == "1" }
                    try a.put("\(number)")
                    #expect(try c.task("RESERVED") == ReceivedTask(id: number, body: "\(number)"))
                }
            }
        }

        @Test func `release, kick and the end of a client wake a client that waits at another manager`() throws {
            try TestBed.with(managers: 2) { bed in
                let (a, b, looking) = (try bed.connect(0), try bed.connect(1), try bed.connect(1))
                func bWaits() throws {
                    try b.send("reserve\r\n")
                    try eventually("the client waits") { try looking.statistics("stats")["current-waiting"] == "1" }
                }
                try a.put("x")
                try a.reserve()
                try bWaits()
                try a.ask("release 1 0 0", "RELEASED")
                try b.task("RESERVED")

                try b.ask("bury 1 0", "BURIED")
                try bWaits()
                try a.ask("kick 1", "KICKED 1")
                try b.task("RESERVED")

                try b.ask("release 1 0 0", "RELEASED")
                try a.reserve()
                try bWaits()
                a.close()
                try b.task("RESERVED")
                #expect(try b.statistics("stats-job 1")["reserves"] == "5")
            }
        }

        @Test func `a delay and a pause that end at one manager wake a client at another`() throws {
            try TestBed.with(managers: 2) { bed in
                let (a, b) = (try bed.connect(0), try bed.connect(1))
                try b.send("reserve\r\n")
                try a.put("x", delay: 1)
                try b.task("RESERVED")
                try b.ask("release 1 0 0", "RELEASED")
                try a.ask("pause-tube default 1", "PAUSED")
                try b.send("reserve\r\n")
                try b.task("RESERVED")
                try b.ask("release 1 0 0", "RELEASED")
                try a.ask("pause-tube default 86400", "PAUSED")
                #expect(try b.reserveNow() == nil)
                try b.send("reserve\r\n")
                try a.ask("pause-tube default 0", "PAUSED")
                try b.task("RESERVED")
            }
        }

        @Test func `a task whose claim ends at one manager is ready at another`() throws {
            try TestBed.with(managers: 2) { bed in
                let (a, b) = (try bed.connect(0), try bed.connect(1))
                try a.put("x", timeToRun: 1)
                try a.reserve()
                try b.send("reserve\r\n")
                try b.task("RESERVED")
                #expect(try b.statistics("stats-job 1")["timeouts"] == "1")
                try a.ask("delete 1", "NOT_FOUND")
            }
        }

        @Test func `only the connection with the claim may end it`() throws {
            try TestBed.with(managers: 2) { bed in
                let (a, b) = (try bed.connect(0), try bed.connect(1))
                try a.put("x")
                try a.reserve()
                for command in ["delete 1", "release 1 0 0", "bury 1 0", "touch 1", "reserve-job 1", "kick-job 1"] {
                    try b.ask(command, "NOT_FOUND")
                }
                try a.ask("delete 1", "DELETED")
            }
        }

        @Test func `a pause, buried tasks and their order are the same everywhere`() throws {
            try TestBed.with(managers: 2) { bed in
                let (a, b) = (try bed.connect(0), try bed.connect(1))
                for body in ["x", "y", "z"] { try a.put(body) }
                try a.reserve()
                try b.reserve()
                try a.reserve()
                try b.ask("bury 2 0", "BURIED")
                try a.ask("bury 3 0", "BURIED")
                try a.ask("bury 1 0", "BURIED")
                for id in [2, 3, 1] {
                    #expect(try a.peek("peek-buried")?.id == id)
                    #expect(try b.peek("peek-buried")?.id == id)
                    try b.ask("kick 1", "KICKED 1")
                }
                try a.ask("pause-tube default 1000", "PAUSED")
                #expect(try b.statistics("stats-tube default")["pause"] == "1000")
                #expect(try b.statistics("stats-tube default")["cmd-pause-tube"] == "1")
                #expect(try b.reserveNow() == nil)
            }
        }

        @Test func `the statistics of a tube and of tasks are the same everywhere`() throws {
            try TestBed.with(managers: 2) { bed in
                let (a, b) = (try bed.connect(0), try bed.connect(1))
                try a.put("claimed")
                try b.put("delayed", delay: 1000)
                try a.put("urgent", priority: 1)
                try b.put("ready", priority: 5000)
                try b.ask("delete \(a.put("deleted"))", "DELETED")
                try b.reserve()
                for client in [a, b] {
                    let tube = try client.statistics("stats-tube default")
                    let keys = ["current-jobs-urgent", "current-jobs-ready", "current-jobs-reserved"]
                    #expect(keys.map { tube[$0] } == ["1", "2", "1"])
                    #expect(tube["current-jobs-delayed"] == "1")
                    #expect(tube["total-jobs"] == "5")
                    #expect(tube["cmd-delete"] == "1")
                    #expect(tube["current-using"] == "2")
                    #expect(tube["current-watching"] == "2")
                    #expect(try client.statistics("stats")["current-jobs-ready"] == "2")
                    #expect(try client.statistics("stats")["current-jobs-reserved"] == "1")
                }
            }
        }

        @Test func `tubes that clients of one manager use and watch exist at another`() throws {
            try TestBed.with(managers: 2) { bed in
                let (a, b) = (try bed.connect(0), try bed.connect(1))
                try a.use("u")
                try a.ask("watch w", "WATCHING 2")
                #expect(try b.list("list-tubes") == ["default", "u", "w"])
                #expect(try b.statistics("stats-tube u")["current-using"] == "1")
                #expect(try b.statistics("stats-tube w")["current-watching"] == "1")
                try b.use("u")
                try a.use("default")
                #expect(try a.list("list-tubes") == ["default", "u", "w"])
                a.close()
                try eventually("w does not exist any more") { try b.list("list-tubes") == ["default", "u"] }
            }
        }
    }
}
