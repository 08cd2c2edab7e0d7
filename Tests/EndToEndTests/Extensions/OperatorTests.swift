import Foundation
import Testing

extension ExtensionTests {
    /// The commands with which an operator changes tasks, sessions and managers.
    @Suite struct Operator {
        @Test func `break-claim ends a claim through another manager`() throws {
            try TestBed.with(managers: 2) { bed in
                let (holder, other) = (try bed.connect(0), try bed.connect(1))
                try other.put("x")
                try holder.reserve()
                try other.send("reserve-with-timeout 30\r\n")
                let third = try bed.connect(1)
                try third.ask("break-claim 1", "BROKEN")
                #expect(try other.task("RESERVED").id == 1)
                try holder.ask("touch 1", "NOT_FOUND")
                try third.ask("break-claim 1", "BROKEN")
                try third.ask("break-claim 1", "NOT_FOUND")
                try bed.expectCountsToBeRight()
            }
        }

        @Test(arguments: [0, 1])
        func `end-session tells a connection that waits, at each manager`(_ at: Int) throws {
            try TestBed.with(managers: 2) { bed in
                let (worker, operator_) = (try bed.connect(0), try bed.connect(at))
                try worker.put("x")
                try worker.ask("session s", "SESSION 0")
                try worker.reserve()
                try worker.send("reserve\r\n")
                try eventually("it waits") { try operator_.statistics("stats")["current-jobs-reserved"] == "1" }
                let document = try operator_.inspect("sessions")
                let number = try #require((document["sessions"] as? [[String: Any]])?.first?["session"] as? Int)
                try operator_.ask("end-session \(number)", "ENDED")
                #expect(try worker.line() == "SESSION_TAKEN")
                try operator_.ask("end-session \(number)", "NOT_FOUND")
                #expect(try operator_.reserve().id == 1)
                try worker.ask("session s", "SESSION 0")
                try bed.expectCountsToBeRight()
            }
        }

        @Test func `a drained manager refuses puts within a second, and then serves again`() throws {
            try TestBed.with(managers: 2) { bed in
                let (drained, other) = (try bed.connect(1), try bed.connect(0))
                try other.ask("drain-manager m2", "DRAINING")
                try eventually("it refuses") {
                    try drained.send("put 1 0 1 1\r\nx\r\n")
                    return try drained.line() == "DRAINING"
                }
                #expect(try drained.statistics("stats")["draining"] == "true")
                try other.put("another manager takes it")
                #expect(try drained.reserve().body == "another manager takes it")
                try other.ask("undrain-manager m2", "SERVING")
                try eventually("it serves") { try drained.statistics("stats")["draining"] == "false" }
                try drained.put("x")
                try other.ask("drain-manager m9", "NOT_FOUND")
            }
        }

        @Test func `move-job wakes a consumer of another manager, and move-tube moves in steps`() throws {
            try TestBed.with(managers: 2) { bed in
                let (waiting, other) = (try bed.connect(1), try bed.connect(0))
                try waiting.watchOnly("film")
                try waiting.send("reserve\r\n")
                try other.put("x")
                try other.ask("move-job 1 film", "MOVED")
                #expect(try waiting.task("RESERVED").id == 1)
                try other.ask("move-job 1 news", "NOT_FOUND")
                try other.use("many")
                for _ in 0..<25 {
                    for _ in 0..<100 { try other.send("put 1 0 60 1\r\nx\r\n") }
                    for _ in 0..<100 { #expect(try other.line().hasPrefix("INSERTED")) }
                }
                try waiting.send("reserve\r\n")
                try other.ask("move-tube many film ready 2200", "MOVED 2200")
                #expect(try waiting.task("RESERVED").body == "x")
                try other.ask("move-tube many film ready 2200", "MOVED 300")
                try other.ask("move-tube nowhere film ready 1", "NOT_FOUND")
                #expect(try other.statistics("stats-tube film")["current-jobs-ready"] == "2499")
                try bed.expectCountsToBeRight()
            }
        }

        @Test func `edit-job changes what is given`() throws {
            try TestBed.with { bed in
                let client = try bed.connect()
                try client.put("x", delay: 1000)
                try client.ask("edit-job 1 delay=0 pri=7 ttr=9", "EDITED")
                let task = try client.statistics("stats-job 1")
                #expect([task["state"], task["pri"], task["ttr"], task["delay"]] == ["ready", "7", "9", "0"])
                try client.send("reserve\r\n")
                _ = try client.task("RESERVED")
                try client.ask("edit-job 1 pri=1", "NOT_FOUND")
                try bed.expectCountsToBeRight()
            }
        }
    }
}
