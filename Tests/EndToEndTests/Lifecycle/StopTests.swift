import Glibc
import Testing

extension LifecycleTests {
    /// Managers that are stopped, and managers that are killed.
    @Suite struct Stop {
        @Test(arguments: [SIGTERM, SIGINT]) func `a manager that is stopped releases its claims`(
            signal: Int32
        ) throws {
            try TestBed.with(managers: 2) { bed in
                let (a, b) = (try bed.connect(0), try bed.connect(1))
                try a.put("held")
                try a.put("left")
                try a.reserve()
                try b.ask("pause-tube default 0", "PAUSED")
                bed.managers[0].process.signal(signal)
                #expect(try bed.managers[0].process.waitForEnd() == .exited(0))
                a.expectClosed()
                #expect(try b.reserve() == ReceivedTask(id: 1, body: "held"))
                #expect(try b.reserve().id == 2)
                #expect(try bed.sql("SELECT name FROM manager;") == "m2")
            }
        }

        @Test func `a manager that stops accepts no connections, and closes those that wait`() throws {
            try TestBed.with { bed in
                let waiting = try bed.connect()
                try waiting.send("reserve\r\n")
                let other = try bed.connect()
                try eventually("waiting") { try other.statistics("stats")["current-waiting"] == "1" }
                try bed.managers[0].stop()
                #expect(throws: SocketError.self) { try bed.connect() }
                // A waiting client gets TIMED_OUT, or no answer at all.
                let answer = try? waiting.line()
                #expect(answer == nil || answer == "TIMED_OUT")
            }
        }

        @Test func `answered puts are there after a restart`() throws {
            try TestBed.with(fixedPorts: true) { bed in
                let client = try bed.connect()
                try client.send((1...500).map { "put \($0) 0 60 3\r\nabc\r\n" }.joined())
                for number in 1...500 { try client.expect("INSERTED \(number)") }
                try bed.managers[0].stop()
                try bed.restartManager(0)
                let again = try bed.connect()
                for number in 1...500 {
                    #expect(try again.reserve().id == number)
                    try again.ask("delete \(number)", "DELETED")
                }
                #expect(try again.put("next") == 501)
            }
        }

        @Test func `a restart changes nothing`() throws {
            try TestBed.with(fixedPorts: true) { bed in
                let client = try bed.connect()
                for body in ["a", "b", "c"] { try client.put(body) }
                for _ in 1...3 { try client.reserve() }
                try client.ask("bury 2 7", "BURIED")
                try client.ask("bury 3 8", "BURIED")
                try client.ask("bury 1 9", "BURIED")
                try client.put("delayed", priority: 77, delay: 100_000, timeToRun: 88)
                try client.use("other")
                try client.put("ready", priority: 5)
                try client.ask("pause-tube other 100000", "PAUSED")
                bed.managers[0].kill()
                try bed.restartManager(0)

                let again = try bed.connect()
                let delayed = try again.statistics("stats-job 4")
                #expect(["state", "pri", "delay", "ttr"].map { delayed[$0] } == ["delayed", "77", "100000", "88"])
                let left = try #require(delayed[number: "time-left"])
                #expect((99_000...100_000).contains(left))
                for id in [2, 3, 1] {
                    #expect(try again.peek("peek-buried")?.id == id)
                    #expect(try again.statistics("stats-job \(id)")["buries"] == "1")
                    try again.ask("kick-job \(id)", "KICKED")
                }
                #expect(try again.statistics("stats-tube other")["pause"] == "100000")
                try again.ask("watch other", "WATCHING 2")
                #expect(try (1...3).map { _ in try again.reserve().id } == [2, 3, 1])
                #expect(try again.reserveNow() == nil)
                try bed.expectCountsToBeRight()
            }
        }

        @Test func `a peer releases the claims of a killed manager`() throws {
            try TestBed.with(managers: 2) { bed in
                let (a, b) = (try bed.connect(0), try bed.connect(1))
                for number in 1...100 {
                    try a.put("\(number)")
                    try a.reserve()
                }
                let looking = try bed.connect(1)
                try b.send("reserve\r\n")
                try eventually("waiting") { try looking.statistics("stats")["current-waiting"] == "1" }
                let killed = ContinuousClock.now
                bed.managers[0].kill()
                #expect(try b.task("RESERVED").id == 1)
                print("a killed manager's claims were back after \(ContinuousClock.now - killed)")
                for number in 2...100 { #expect(try b.reserve().id == number) }
                #expect(try b.statistics("stats-job 1")["reserves"] == "2")
                try eventually("its row is removed") { try bed.sql("SELECT name FROM manager;") == "m2" }
                // No client uses or watches a tube through it any more.
                #expect(try b.statistics("stats-tube default")["current-using"] == "2")
                try bed.expectCountsToBeRight()
            }
        }

        @Test func `without a peer the next manager that starts releases the claims`() throws {
            try TestBed.with(managers: 2) { bed in
                let (a, b) = (try bed.connect(0), try bed.connect(1))
                try a.put("x")
                try b.put("y")
                try a.reserve()
                try b.reserve()
                for manager in bed.managers { manager.kill() }
                try bed.startManager()
                let c = try bed.connect(2)
                #expect(try (1...2).map { _ in try #require(try c.reserveNow()).id } == [1, 2])
            }
        }

        @Test func `a manager that is suspended for a while keeps its claims`() throws {
            try TestBed.with(managers: 2) { bed in
                let (a, b) = (try bed.connect(0), try bed.connect(1))
                try a.put("x")
                try a.reserve()
                bed.managers[0].process.signal(SIGSTOP)
                // Long enough that a peer which only used heartbeats would count it as dead.
                try b.ask("reserve-with-timeout 5", "TIMED_OUT")
                bed.managers[0].process.signal(SIGCONT)
                try a.ask("delete 1", "DELETED")
            }
        }

        @Test func `a claim that ends while its manager is suspended has ended when the manager continues`() throws {
            try TestBed.with(managers: 2) { bed in
                let (a, b) = (try bed.connect(0), try bed.connect(1))
                try a.put("x", timeToRun: 1)
                try a.reserve()
                bed.managers[0].process.signal(SIGSTOP)
                try b.ask("reserve-with-timeout 2", "TIMED_OUT")
                bed.managers[0].process.signal(SIGCONT)
                #expect(try b.reserve().id == 1)
                try a.ask("delete 1", "NOT_FOUND")
            }
        }
    }
}
