import Foundation
import Glibc
import Testing

extension LifecycleTests {
    /// Clocks that are set while managers run, and managers that are stopped for a while.
    @Suite struct Clock {
        @Test func `a claim lasts its time at every manager, with any clock at their starts`() throws {
            try TestBed.with(managers: 0) { bed in
                let clock = try SettableClock(control: bed.path("clock"))
                try clock.set(seconds: -3600)
                let slow = try bed.startManager(environment: clock.environment())
                let consumer = try slow.connect()
                try consumer.ask("session alice", "SESSION 0")
                try consumer.put("a", timeToRun: 600)
                #expect(try consumer.reserve().id == 1)

                // The time service corrects the clock, and another manager starts.
                try clock.set(seconds: 0)
                let right = try bed.startManager(environment: clock.environment())
                let other = try right.connect()
                #expect(try other.reserveNow() == nil)
                for manager in [slow, right] {
                    let left = try #require(try manager.connect().statistics("stats-job 1")[number: "time-left"])
                    #expect((300...600).contains(left))
                }
                try consumer.ask("delete 1", "DELETED")
                for manager in [slow, right] { try manager.stop() }
            }
        }

        @Test func `a delayed task is due at once after the machine has slept`() throws {
            try TestBed.with(managers: 0) { bed in
                let clock = try SettableClock(control: bed.path("clock"))
                let manager = try bed.startManager(environment: clock.environment())
                let client = try manager.connect()
                try client.put("in an hour", delay: 3600)
                try clock.set(seconds: 8 * 3600)
                #expect(try client.reserve().body == "in an hour")
                try eventually("the log says so") {
                    manager.process.errors.text.contains("clock was set by +28800.0 s")
                }
                try manager.stop()
            }
        }

        @Test func `another manager ends overdue claims of a suspended one`() throws {
            try TestBed.with(managers: 2) { bed in
                let (first, second) = (bed.managers[0], bed.managers[1])
                let holder = try first.connect()
                try holder.put("a", timeToRun: 1)
                try holder.put("b", timeToRun: 600)
                #expect(try holder.reserve().id == 1)
                #expect(try holder.reserve().id == 2)
                first.process.signal(SIGSTOP)
                let other = try second.connect()
                // Waits without a limit.
                #expect(try other.reserve().id == 1)
                #expect(try other.statistics("stats-job 1")[number: "timeouts"] == 1)
                #expect(try other.statistics("stats-job 2")["state"] == "reserved")
                first.process.signal(SIGCONT)
                try holder.ask("delete 1", "NOT_FOUND")
                try holder.ask("delete 2", "DELETED")
                try other.ask("touch 1", "TOUCHED")
                try eventually("the log says so") {
                    second.process.errors.text.contains("does nothing although it lives")
                }
                for manager in bed.managers { try manager.stop() }
            }
        }

        @Test func `no task is handed out after its time to run`() throws {
            try TestBed.with(managers: 2) { bed in
                let (first, second) = (try bed.managers[0].connect(), try bed.managers[1].connect())
                try first.put("a", timeToRun: 600)
                // Another program has the lock, so the batch waits.
                let shell = try bed.start("sqlite3", [bed.database], input: .pipe)
                try shell.write("PRAGMA wal_autocheckpoint = 0;\nBEGIN IMMEDIATE;\n.print locked\n")
                _ = shell.output.line(startingWith: "locked")
                try first.send("reserve\r\n")
                try eventually("the manager waits") {
                    bed.managers[0].process.errors.text.contains("waiting for the database")
                }
                let released = ContinuousClock.now
                try shell.write("COMMIT;\n.quit\n")
                #expect(try first.task("RESERVED").id == 1)
                let left = try #require(Double(bed.sql("SELECT seconds_left FROM claim_overview;")))
                let most = 600 - (ContinuousClock.now - released) / .seconds(1)
                #expect(left > most - 0.15, "the claim began when the lock was free, not when the command arrived")
                #expect(try second.reserveNow() == nil)
            }
        }
    }
}
