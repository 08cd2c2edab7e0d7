import Synchronization
import Testing

extension ExtensionTests {
    /// `session`: claims that outlive a connection.
    @Suite struct Session {
        @Test func `it answers the number of its claims`() throws {
            try TestBed.with { bed in
                let client = try bed.connect()
                #expect(try client.attach("worker") == 0)
                for body in ["a", "b", "c"] { try client.put(body) }
                try client.reserve()
                try client.reserve()
                #expect(try client.attach("worker") == 2)
                try client.ask("bury 1 0", "BURIED")
                #expect(try client.attach("worker") == 1)
                // Sent together with the commands that need it.
                try client.send("session worker\r\nreserve\r\nsession worker\r\ndelete 3\r\nsession worker\r\n")
                try client.expect("SESSION 1")
                try client.task("RESERVED")
                try client.expect("SESSION 2", "DELETED", "SESSION 1")
            }
        }

        @Test func `earlier claims of the connection move into the session`() throws {
            try TestBed.with(managers: 2) { bed in
                let (a, b) = (try bed.connect(0), try bed.connect(1))
                try a.put("x")
                try a.put("y")
                try a.reserve()
                try a.reserve()
                #expect(try a.attach("worker") == 2)
                try bed.drop(a, of: 0)
                #expect(try b.attach("worker") == 2)
                try b.ask("delete 1", "DELETED")
                try b.ask("release 2 0 0", "RELEASED")
                #expect(try b.attach("worker") == 0)
            }
        }

        @Test func `claims survive a dropped connection and are finished through another manager`() throws {
            try TestBed.with(managers: 3) { bed in
                let a = try bed.connect(0)
                let commands = ["delete 1": "DELETED", "release 2 5 0": "RELEASED", "bury 3 5": "BURIED"]
                for body in ["a", "b", "c", "d"] { try a.put(body) }
                try a.attach("worker")
                for _ in 1...4 { try a.reserve() }
                try bed.drop(a, of: 0)
                let other = try bed.connect(2)
                #expect(try other.reserveNow() == nil)
                for id in 1...4 {
                    let job = try other.statistics("stats-job \(id)")
                    #expect([job["state"], job["reserves"]] == ["reserved", "1"])
                }
                let b = try bed.connect(1)
                #expect(try b.attach("worker") == 4)
                for (command, answer) in commands { try b.ask(command, answer) }
                try b.ask("touch 4", "TOUCHED")
                #expect(try b.attach("worker") == 1)
                #expect(try other.reserve().id == 2)
                #expect(try other.statistics("stats")["current-jobs-buried"] == "1")
                try bed.expectCountsToBeRight()
            }
        }

        @Test func `claims of a session survive the death of their manager, and others do not`() throws {
            try TestBed.with(managers: 2) { bed in
                let (named, plain, b) = (try bed.connect(0), try bed.connect(0), try bed.connect(1))
                try named.put("named")
                try named.put("plain")
                try named.attach("worker")
                #expect(try named.reserve().id == 1)
                #expect(try plain.reserve().id == 2)
                bed.managers[0].kill()
                // When the peer has released one claim, it has also handled the other one.
                #expect(try b.reserve().id == 2)
                try eventually("the row of m1 is removed") { try bed.sql("SELECT name FROM manager;") == "m2" }
                #expect(try b.reserveNow() == nil)
                let taker = try bed.connect(1)
                #expect(try taker.attach("worker") == 1)
                #expect(try taker.statistics("stats-job 1")["reserves"] == "1")
                try taker.ask("delete 1", "DELETED")
                try bed.expectCountsToBeRight()
            }
        }

        @Test(arguments: [true, false]) func `claims survive while no manager runs`(isKilled: Bool) throws {
            try TestBed.with(fixedPorts: true) { bed in
                let before = try bed.connect()
                try before.put("x")
                try before.attach("worker")
                try before.reserve()
                if isKilled { bed.managers[0].kill() } else { try bed.managers[0].stop() }
                try bed.restartManager(0)
                let after = try bed.connect()
                #expect(try after.reserveNow() == nil)
                #expect(try after.attach("worker") == 1)
                try after.ask("delete 1", "DELETED")
                try bed.expectCountsToBeRight()
            }
        }

        enum Ending: CaseIterable { case none, dropped, killed }

        @Test(arguments: Ending.allCases) func `claims end with their time to run`(ending: Ending) throws {
            try TestBed.with(managers: 2) { bed in
                let (a, b) = (try bed.connect(0), try bed.connect(1))
                try a.put("x", timeToRun: 1)
                try a.attach("worker")
                try a.reserve()
                try b.send("reserve\r\n")
                switch ending {
                case .none: break
                case .dropped: a.close()
                case .killed: bed.managers[0].kill()
                }
                try b.task("RESERVED")
                let job = try b.statistics("stats-job 1")
                #expect([job["reserves"], job["timeouts"]] == ["2", "1"])
                let taker = try bed.connect(1)
                #expect(try taker.attach("worker") == 0)
                try taker.ask("delete 1", "NOT_FOUND")
                try b.ask("delete 1", "DELETED")
                try bed.expectCountsToBeRight()
            }
        }

        @Test func `quit releases the claims at once`() throws {
            try TestBed.with(managers: 2) { bed in
                let (a, b) = (try bed.connect(0), try bed.connect(1))
                try a.put("x")
                try a.attach("worker")
                try a.reserve()
                try b.send("reserve\r\n")
                try eventually("it waits") { try bed.connect(1).statistics("stats")["current-waiting"] == "1" }
                try a.send("quit\r\n")
                a.expectClosed()
                #expect(try b.task("RESERVED").body == "x")
                #expect(try b.statistics("stats-job 1")["timeouts"] == "0")
                #expect(try bed.connect(0).attach("worker") == 0)
            }
        }

        @Test func `a connection that attaches another session leaves its claims in the first one`() throws {
            try TestBed.with { bed in
                let client = try bed.connect()
                try client.put("x")
                try client.attach("first")
                try client.reserve()
                #expect(try client.attach("second") == 0)
                try client.ask("delete 1", "NOT_FOUND")
                #expect(try client.attach("first") == 1)
                try client.ask("delete 1", "DELETED")
            }
        }

        @Test func `without the command a dropped connection releases its claims at once`() throws {
            try TestBed.with(managers: 2) { bed in
                let (named, plain, b) = (try bed.connect(0), try bed.connect(0), try bed.connect(1))
                try plain.put("x")
                try named.attach("worker")
                try plain.reserve()
                try b.send("reserve\r\n")
                try eventually("it waits") { try bed.connect(1).statistics("stats")["current-waiting"] == "1" }
                plain.close()
                #expect(try b.task("RESERVED").body == "x")
                #expect(try b.statistics("stats-job 1")["timeouts"] == "0")
            }
        }

        @Test func `names follow the rules of tube names, and others get BAD_FORMAT and change nothing`() throws {
            try TestBed.with { bed in
                let client = try bed.connect()
                try client.put("x")
                try client.attach("worker")
                try client.reserve()
                let longest = String(repeating: "0123456789", count: 20)
                for name in ["", "-a", "a b", " a", "a!", "a,b", "ä", "a\tb", "a\0b", longest + "z"] {
                    try client.ask("session \(name)", "BAD_FORMAT")
                }
                for word in ["session", "sessions a", "Session a"] { try client.ask(word, "UNKNOWN_COMMAND") }
                #expect(try client.attach("worker") == 1)
                for name in ["a-", "0", "ABCXYZabcxyz0189-+/;.$_()", longest] {
                    #expect(try client.attach(name) == 0)
                }
                #expect(try client.attach("Worker") == 0)
                #expect(try client.attach("worker") == 1)
            }
        }

        @Test func `a session without claims is removed when no connection has it`() throws {
            try TestBed.with(managers: 2) { bed in
                let (a, b) = (try bed.connect(0), try bed.connect(1))
                try a.put("x")
                try a.attach("holding")
                try a.reserve()
                try b.attach("idle")
                #expect(try bed.sql("SELECT name FROM session ORDER BY name;") == "holding\nidle")
                b.close()
                a.close()
                try eventually("the idle one is gone") { try bed.sql("SELECT name FROM session;") == "holding" }
                let taker = try bed.connect(1)
                try taker.attach("holding")
                try taker.ask("delete 1", "DELETED")
                taker.close()
                try eventually("so is the other") { try bed.sql("SELECT name FROM session;") == "" }
            }
        }
    }
}

extension TestBed {
    /// Closes a connection, and waits until its manager has noticed it.
    func drop(_ socket: BeanstalkSocket, of manager: Int) throws {
        let looking = try connect(manager)
        func connections() throws -> Int? { try looking.statistics("stats")[number: "current-connections"] }
        let before = try #require(try connections())
        socket.close()
        try eventually("the connection is gone") { try connections() == before - 1 }
    }
}
