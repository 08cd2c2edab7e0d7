import Foundation
import Glibc
import Testing

extension LifecycleTests {
    /// Disks that fail, and files that other programs have changed.
    @Suite struct DiskError {
        /// Runs a manager on a disk that can fail, with some tasks.
        func with(_ body: (TestBed, FailingDisk, BeanstalkSocket) throws -> Void) throws {
            try TestBed.with(managers: 0) { bed in
                let disk = try FailingDisk(control: bed.path("faults"))
                try bed.startManager(environment: disk.environment())
                let client = try bed.connect()
                for number in 1...20 { try client.put("task \(number)") }
                try body(bed, disk, client)
            }
        }

        /// Checks that the manager has ended by itself, with one line that says why.
        func expectEnd(
            of manager: ManagerProcess,
            saying words: String,
            sourceLocation: SourceLocation = #_sourceLocation
        ) throws {
            #expect(try manager.process.waitForEnd() == .exited(1), sourceLocation: sourceLocation)
            let lines = manager.process.errors.text.split(separator: "\n").filter { $0.hasPrefix("beanrow-manager: ") }
            #expect(lines.count == 1, "\(manager.process.errors.text)", sourceLocation: sourceLocation)
            #expect(lines.first?.contains(words) == true, "\(lines)", sourceLocation: sourceLocation)
        }

        /// Returns what a new manager on a working disk finds.
        private func expectTasks(_ expected: Set<Int>, or doubtful: Set<Int> = [], in bed: TestBed) throws {
            let manager = try bed.startManager()
            let client = try manager.connect()
            var found: Set<Int> = []
            while let task = try client.reserveNow() {
                #expect(task.body == "task \(task.id)")
                found.insert(task.id)
            }
            #expect(found.subtracting(doubtful) == expected.subtracting(doubtful))
            try bed.expectCountsToBeRight()
        }

        @Test(arguments: [(FailingDisk.Calls.syncs, "syncing failed"), (.writes, "may or may not be on the disk")])
        func `a failed commit or sync is never answered, and the manager ends`(
            calls: FailingDisk.Calls,
            words: String
        ) throws {
            try with { bed, disk, client in
                let (other, waiting) = (try bed.connect(), try bed.connect())
                try waiting.send("reserve-job 20\r\n")
                #expect(try waiting.task("RESERVED").id == 20)
                try disk.fail(calls, of: .log, with: EIO)
                for command in ["put 0 0 60 7\r\ntask 21\r\n", "delete 1\r\n", "reserve\r\n", "bury 20 0\r\n"] {
                    let socket = command.hasPrefix("bury") ? waiting : command.hasPrefix("put") ? client : other
                    try? socket.send(command)
                }
                for socket in [client, other, waiting] { socket.expectClosed() }
                try expectEnd(of: bed.managers[0], saying: words)
                #expect(try disk.failures() > 0)
                // All answered commands are in the database, and the others were never answered.
                try expectTasks(Set(1...20), or: [1, 20, 21], in: bed)
            }
        }

        @Test(arguments: [EIO, ETIMEDOUT])
        func `a failed read is an error for the client that asked, and a broken disk ends the manager`(error: Int32)
            throws
        {
            try TestBed.with(managers: 0) { bed in
                let first = try bed.startManager()
                let feeder = try first.connect()
                let body = String(repeating: "x", count: 60_000)
                for _ in 1...50 { try feeder.put(body) }
                try first.stop()

                let disk = try FailingDisk(control: bed.path("faults"))
                let manager = try bed.startManager(environment: disk.environment())
                let client = try manager.connect()
                // A connection that cannot be recorded would be closed.
                try client.use("default")
                try disk.fail(.reads, of: [.database, .log], with: error)
                if error == EIO {
                    try client.send("peek 33\r\n")
                    client.expectClosed()
                    return try expectEnd(of: manager, saying: "damaged or cannot be read")
                }
                try client.ask("peek 33", "INTERNAL_ERROR")
                try client.ask("reserve", "INTERNAL_ERROR")
                #expect(try disk.failures() > 0)
                try disk.heal()
                #expect(try client.peek("peek 33")?.body == body)
                #expect(try client.reserve().id == 1)
                #expect(try client.put("a") == 51)
                #expect(manager.process.errors.text.contains("a batch failed"))
                try manager.stop()
            }
        }

        @Test
        func `after a sync has failed all managers end, and none starts while a foreign program has the file open`()
            throws
        {
            try TestBed.with(managers: 0) { bed in
                let disk = try FailingDisk(control: bed.path("faults"))
                let failing = try bed.startManager(environment: disk.environment())
                let idle = try bed.startManager()
                let client = try failing.connect()
                for number in 1...20 { try client.put("task \(number)") }
                let shell = try bed.start("sqlite3", [bed.database], input: .pipe)
                try shell.write("SELECT 'tasks ' || count(*) FROM task;\n")
                #expect(shell.output.line(startingWith: "tasks") == "tasks 20")

                try disk.fail(.syncs, of: .log, with: EIO)
                try client.send("put 0 0 60 7\r\ntask 21\r\n")
                client.expectClosed()
                try expectEnd(of: failing, saying: "syncing failed")
                try expectEnd(of: idle, saying: "a manager has met a failed write or sync")

                let refused = try bed.run(Executables.manager, ["--database", bed.database, "--listen", "127.0.0.1:0"])
                #expect(refused.end == .exited(75))
                #expect(refused.errors.contains("sqlite3 (pid \(shell.id))"), "\(refused.errors)")
                #expect(refused.output == "")
                try shell.write(".quit\n")
                #expect(try shell.waitForEnd() == .exited(0))
                try expectTasks(Set(1...20), or: [21], in: bed)
            }
        }

        @Test(arguments: [
            (FailingDisk.Calls.writes, EIO, "writing failed"),
            (.syncs, EIO, "copying the log into the database failed"),
            (.syncs, ENOSPC, "copying the log into the database failed"),
            (.syncs, EDQUOT, "copying the log into the database failed"),
        ])
        func `a database that cannot be written or synced ends the manager, and nothing is lost`(
            calls: FailingDisk.Calls,
            error: Int32,
            words: String
        ) throws {
            try TestBed.with(managers: 0) { bed in
                let disk = try FailingDisk(control: bed.path("faults"))
                let manager = try bed.startManager(environment: disk.environment())
                let client = try manager.connect()
                try disk.fail(calls, of: .database, with: error)
                var last = 0
                let body = String(repeating: "x", count: 60_000)
                do {
                    while last < 2_000 { last = try client.put(body) }
                    Issue.record("there was no checkpoint")
                } catch let error as SocketError where error.isBreak {}
                try expectEnd(of: manager, saying: words)
                let after = try bed.startManager().connect()
                let there = try #require(try after.statistics("stats")[number: "current-jobs-ready"])
                #expect((last...(last + 1)).contains(there))
                try bed.expectCountsToBeRight()
            }
        }

        @Test(arguments: [ENOSPC, EDQUOT, EFBIG])
        func `without space puts are refused, and accepted again when there is space`(error: Int32) throws {
            try with { bed, disk, client in
                try disk.fail([.writes, .growth], of: [.database, .log], with: error)
                for _ in 1...5 {
                    try client.send("put 0 0 60 7\r\ntask 21\r\n")
                    try client.expect("OUT_OF_MEMORY")
                }
                // If no byte can be written, only reading commands work.
                try client.ask("delete 1", "OUT_OF_MEMORY")
                #expect(try client.peek("peek 1")?.body == "task 1")
                // A client that waits, and one that leaves, are handled later.
                let (waiting, gone) = (try bed.connect(), try bed.connect())
                try waiting.send("reserve\r\n")
                try waiting.expect("OUT_OF_MEMORY")
                gone.close()
                try disk.heal()
                try client.ask("delete 1", "DELETED")
                #expect(try client.put("task 21") == 21)
                let other = try bed.connect()
                #expect(try other.reserve().body == "task 2")
                try bed.managers[0].stop()
                let said = bed.managers[0].process.errors.text.split(separator: "\n")
                for words in [
                    "no room: puts are", "no room: commands that", "again: puts were", "again: commands that",
                ] {
                    #expect(said.filter { $0.contains(words) }.count == 1, "logged once, not each time: \(said)")
                }
                #expect(said.contains { $0.contains("refused=5 ") && $0.contains("again: puts were") }, "\(said)")
            }
        }

        @Test(arguments: [ENOSPC, EDQUOT, EFBIG])
        func `if files cannot grow, puts are refused and everything else works`(error: Int32) throws {
            try with { bed, disk, client in
                let body = String(repeating: "x", count: 3000)
                var last = 20
                for _ in 1...280 { last = try client.put(body) }
                try disk.fail([.extensions, .growth], of: [.database, .log, .sharedMemory], with: error)
                var answer = ""
                repeat {
                    try client.send("put 0 0 600 3000\r\n\(body)\r\n")
                    answer = try client.line()
                    if answer == "INSERTED \(last + 1)" { last += 1 }
                } while answer.hasPrefix("INSERTED") && last < 30_000
                #expect(answer == "OUT_OF_MEMORY")
                // Many times the size of the log, which has to restart each time.
                for id in 1...last {
                    try client.ask("peek-ready", id <= 20 ? "FOUND \(id) \(id < 10 ? 6 : 7)" : "FOUND \(id) 3000")
                    _ = try client.line()
                    try client.ask("delete \(id)", "DELETED")
                }
                try client.put("in the room that is free now")
                try disk.heal()
                try bed.managers[0].stop()
                try bed.expectCountsToBeRight()
            }
        }

        @Test(arguments: [ENOSPC, EDQUOT, EFBIG])
        func `a sync that fails for lack of space ends the manager like any other`(error: Int32) throws {
            try with { bed, disk, client in
                try disk.fail(.syncs, of: .log, with: error)
                try client.send("put 0 0 60 7\r\ntask 21\r\n")
                client.expectClosed()
                try expectEnd(of: bed.managers[0], saying: "syncing failed")
                try expectTasks(Set(1...20), or: [21], in: bed)
            }
        }

        @Test func `a manager that cannot record that it leaves still ends`() throws {
            try with { bed, disk, client in
                try client.reserve()
                try disk.fail([.writes, .growth], of: [.database, .log], with: ENOSPC)
                bed.managers[0].process.signal(SIGTERM)
                try expectEnd(of: bed.managers[0], saying: "no space left")
                try expectTasks(Set(1...20), in: bed)
            }
        }

        @Test func `a reader that prevents the log from being emptied is logged, and limits the puts`()
            throws
        {
            try TestBed.with(options: ["--max-log-size", "80"]) { bed in
                let client = try bed.connect()
                try client.put("a")
                let reader = try bed.start(
                    "sqlite3",
                    ["-readonly", bed.database],
                    input: .pipe
                )
                try reader.write("BEGIN; SELECT 'reading ' || count(*) FROM task;\n")
                #expect(reader.output.line(startingWith: "reading") == "reading 1")
                let put = "put 0 0 60 60000\r\n" + String(repeating: "x", count: 60_000) + "\r\n"
                var last = 1
                while last < 5_000 {
                    try client.send(put)
                    guard try client.line() == "INSERTED \(last + 1)" else { break }
                    last += 1
                }
                #expect((500..<5_000).contains(last))
                let length = try #require(
                    try FileManager.default.attributesOfItem(atPath: bed.database + "-wal")[.size] as? Int
                )
                #expect((80 << 20..<90 << 20).contains(length))
                try eventually("it is logged") {
                    bed.managers[0].process.errors.text.contains("keeps the log from being emptied")
                }
                try client.ask("delete 1", "DELETED")
                try reader.write("COMMIT;\n.quit\n")
                reader.closeInput()
                _ = try reader.waitForEnd()
                try eventually("there is room again") {
                    try client.send(put)
                    return try client.line().hasPrefix("INSERTED")
                }
                try bed.expectCountsToBeRight()
            }
        }

        @Test(arguments: [(0x6969, "NFS"), (0xFF53_4D42, "CIFS"), (0x0102_1997, "9P")])
        func `a network file system is refused`(type: Int, name: String) throws {
            try TestBed.with(managers: 0) { bed in
                let manager = try bed.start(
                    Executables.manager,
                    ["--database", bed.database, "--listen", "127.0.0.1:0"],
                    environment: FailingDisk.environment(fileSystem: type)
                )
                #expect(try manager.waitForEnd() == .exited(1))
                let said = manager.errors.text
                #expect(said.contains("a file system that SQLite cannot share safely (\(name))"), "\(said)")
                #expect(said.split(separator: "\n").count == 1)
                #expect(!FileManager.default.fileExists(atPath: bed.database))
            }
        }

        @Test func `a manager that starts logs the claims of a dead one that it has released`() throws {
            try TestBed.with { bed in
                let client = try bed.connect()
                for number in 1...3 {
                    try client.put("\(number)")
                    try client.reserve()
                }
                bed.managers[0].kill()
                let second = try bed.startManager()
                let line = second.process.errors.line(startingWith: "")
                #expect(line?.contains("a manager had died; its claims are pending again") == true, "\(line ?? "")")
                #expect(line?.contains("claims=3") == true)
            }
        }
    }
}
