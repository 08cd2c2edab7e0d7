import Foundation
import Glibc
import Testing

extension LifecycleTests {
    /// Disks that fail, and files that somebody has laid hands on.
    @Suite struct DiskError {
        /// A manager on a disk that can fail, with some tasks.
        private func with(_ body: (TestBed, FailingDisk, BeanstalkSocket) throws -> Void) throws {
            try TestBed.with(managers: 0) { bed in
                let disk = try FailingDisk(control: bed.path("faults"))
                try bed.startManager(environment: disk.environment())
                let client = try bed.connect()
                for number in 1...20 { try client.put("task \(number)") }
                try body(bed, disk, client)
            }
        }

        /// The manager has ended by itself, with one line that says why.
        private func expectEnd(
            of manager: ManagerProcess,
            saying words: String,
            sourceLocation: SourceLocation = #_sourceLocation
        ) throws {
            #expect(try manager.process.waitForEnd() == .exited(1), sourceLocation: sourceLocation)
            let lines = manager.process.errors.text.split(separator: "\n").filter { $0.hasPrefix("beanrow-manager: ") }
            #expect(lines.count == 1, "\(manager.process.errors.text)", sourceLocation: sourceLocation)
            #expect(lines.first?.contains(words) == true, "\(lines)", sourceLocation: sourceLocation)
        }

        /// What a new manager on a disk that works finds.
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
        func `a commit or a sync that fails is answered to nobody, and the manager ends`(
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
                // What was answered before is there; of what was not, nobody was told anything.
                try expectTasks(Set(1...20), or: [1, 20, 21], in: bed)
            }
        }

        @Test(arguments: [EIO, ETIMEDOUT])
        func `a read that fails is an error for who asked, and a disk that is broken ends the manager`(error: Int32)
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
                // A connection whose beginning cannot be written down would be closed.
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

        @Test func `a checkpoint that fails ends the manager, and nothing is lost`() throws {
            try TestBed.with(managers: 0) { bed in
                let disk = try FailingDisk(control: bed.path("faults"))
                let manager = try bed.startManager(environment: disk.environment())
                let client = try manager.connect()
                try disk.fail([.writes, .syncs], of: .database, with: EIO)
                var last = 0
                let body = String(repeating: "x", count: 60_000)
                do {
                    while last < 2_000 { last = try client.put(body) }
                    Issue.record("there was no checkpoint")
                } catch let error as SocketError where error.isBreak {}
                try expectEnd(of: manager, saying: "copying the log into the database failed")
                let after = try bed.startManager().connect()
                let there = try #require(try after.statistics("stats")[number: "current-jobs-ready"])
                #expect((last...(last + 1)).contains(there))
                try bed.expectCountsToBeRight()
            }
        }

        @Test func `with no space left puts are refused, and taken again when there is some`() throws {
            try with { bed, disk, client in
                try disk.fail([.writes, .growth], of: [.database, .log], with: ENOSPC)
                for _ in 1...5 {
                    try client.send("put 0 0 60 7\r\ntask 21\r\n")
                    try client.expect("OUT_OF_MEMORY")
                }
                // Where not a byte can be written nothing else can be done either, but looking.
                try client.ask("delete 1", "OUT_OF_MEMORY")
                #expect(try client.peek("peek 1")?.body == "task 1")
                // A client that waits, and one that goes, are not forgotten.
                let (waiting, gone) = (try bed.connect(), try bed.connect())
                try waiting.send("reserve\r\n")
                try waiting.expect("OUT_OF_MEMORY")
                gone.close()
                try disk.heal()
                try client.ask("delete 1", "DELETED")
                #expect(try client.put("task 21") == 21)
                let other = try bed.connect()
                #expect(try other.reserve().body == "task 2")
                let said = bed.managers[0].process.errors.text.split(separator: "\n").filter { $0.contains("no room") }
                #expect((1...3).contains(said.count), "said once, not each time: \(said.count)")
                try bed.managers[0].stop()
            }
        }

        @Test func `a manager that cannot write that it leaves, leaves all the same`() throws {
            try with { bed, disk, client in
                try client.reserve()
                try disk.fail([.writes, .growth], of: [.database, .log], with: ENOSPC)
                bed.managers[0].process.signal(SIGTERM)
                try expectEnd(of: bed.managers[0], saying: "no space left")
                try expectTasks(Set(1...20), in: bed)
            }
        }

        @Test(arguments: ["", "-wal", "-shm", "-lock"])
        func `a file that is removed ends the manager`(suffix: String) throws {
            try with { bed, _, client in
                #expect(unlink(bed.database + suffix) == 0)
                try expectEnd(of: bed.managers[0], saying: "removed or replaced")
                client.expectClosed()
            }
        }

        @Test(arguments: ["", "-wal", "-lock"])
        func `a file that is replaced ends the manager`(suffix: String) throws {
            try with { bed, _, client in
                let path = bed.database + suffix
                #expect(link(path, path + ".old") == 0)
                try Data(repeating: 0, count: 8192).write(to: URL(fileURLWithPath: path), options: .atomic)
                try expectEnd(of: bed.managers[0], saying: "removed or replaced")
                client.expectClosed()
            }
        }

        @Test func `a database that is cut short ends the manager`() throws {
            try TestBed.with(managers: 0) { bed in
                try bed.startManager().stop()
                let manager = try bed.startManager()
                let client = try manager.connect()
                try client.put("a")
                #expect(truncate(bed.database, 4096) == 0)
                try expectEnd(of: manager, saying: "cut short")
                client.expectClosed()
            }
        }

        @Test func `damage is reported, and no other task is served for the one that was put`() throws {
            try TestBed.with(managers: 0) { bed in
                let first = try bed.startManager()
                let feeder = try first.connect()
                func body(_ number: Int) -> String { "\(number) " + String(repeating: "x", count: 9_000) }
                for number in 1...300 { try feeder.put(body(number)) }
                try first.stop()
                // A page in eight is overwritten, but for the first hundred, which have the tables' outlines in them.
                let file = try #require(FileHandle(forUpdatingAtPath: bed.database))
                let pages = Int(try file.seekToEnd()) / 4096
                for page in stride(from: 100, to: pages, by: 8) {
                    try file.seek(toOffset: UInt64(page * 4096))
                    try file.write(contentsOf: Data((0..<4096).map { _ in UInt8.random(in: 0...255) }))
                }
                try file.close()

                let manager = try bed.startManager()
                let client = try manager.connect()
                var found = 0
                do {
                    while let task = try client.reserveNow() {
                        #expect(task.body == body(task.id))
                        found += 1
                    }
                    Issue.record("\(found) tasks came out, and nobody noticed the damage")
                } catch let error as SocketError where error.isBreak {}
                try expectEnd(of: manager, saying: "damaged")
            }
        }

        @Test func `a body of which the disk has changed a byte is buried and named, and the others come out`() throws {
            try TestBed.with(managers: 0) { bed in
                let first = try bed.startManager()
                let feeder = try first.connect()
                for number in 1...20 { try feeder.put("the body of task number \(number)") }
                try first.stop()
                var bytes = try Data(contentsOf: URL(fileURLWithPath: bed.database))
                let place = try #require(bytes.firstRange(of: Data("the body of task number 7".utf8)))
                bytes[place.lowerBound] = UInt8(ascii: "T")
                try bytes.write(to: URL(fileURLWithPath: bed.database))

                let manager = try bed.startManager()
                let client = try manager.connect()
                for number in (1...20).filter({ $0 != 7 }) {
                    #expect(try client.reserve() == ReceivedTask(id: number, body: "the body of task number \(number)"))
                }
                #expect(try client.reserveNow() == nil)
                #expect(try client.statistics("stats-job 7")["state"] == "buried")
                try client.ask("peek 7", "INTERNAL_ERROR")
                try client.ask("reserve-job 7", "INTERNAL_ERROR")
                try eventually("it is said") {
                    manager.process.errors.text.contains("the body of task 7 is not what was put; the task is buried")
                }
                try client.ask("delete 7", "DELETED")
                try manager.stop()
            }
        }

        @Test func `a reader that stays keeps the log from being emptied, which is said, and bounds what is put`()
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
                try eventually("it is said") {
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

        @Test func `what a manager that starts gives back for a dead one is said`() throws {
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
