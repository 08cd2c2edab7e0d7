import Foundation
import Glibc
import Testing

extension LifecycleTests {
    /// Syncs that fail once: tasks that were acknowledged before and after survive a power cut, whether or not a
    /// process saw the error.
    @Suite struct FailedSync {
        private static let putSize = 60_000

        /// Runs managers on a disk that can lose the bytes of a failed sync.
        ///
        /// The sync of the first manager is going to fail.
        private func with(managers count: Int, _ body: (TestBed, LossyDisk) throws -> Void) throws {
            try TestBed.with(managers: 0) { bed in
                let disk = try LossyDisk(control: bed.path("cache"), database: bed.database)
                for _ in 1...count {
                    try bed.startManager(port: bed.reservePort(), environment: disk.environment())
                }
                try body(bed, disk)
            }
        }

        /// Puts tasks until the connection breaks, and records those that were acknowledged, by id.
        private func put(
            _ count: Int,
            of size: Int = 20,
            through manager: ManagerProcess,
            into acknowledged: inout [Int: String]
        ) throws {
            do {
                let client = try manager.connect()
                for _ in 1...count {
                    let body = "task \(acknowledged.count + 1) ".padding(toLength: size, withPad: "x", startingAt: 0)
                    let id = try client.put(body)
                    #expect(acknowledged[id] == nil, "id \(id) was given twice")
                    acknowledged[id] = body
                }
            } catch let error as SocketError where error.isBreak {}
        }

        /// Cuts the power.
        ///
        /// Checks that a new manager has all acknowledged tasks, and hands them out.
        private func expectAllAfterPowerCut(_ acknowledged: [Int: String], bed: TestBed, disk: LossyDisk) throws {
            for manager in bed.managers { manager.kill() }
            try disk.cutPower()
            let client = try bed.startManager().connect()
            var found: [Int: String] = [:]
            while let task = try client.reserveNow() { found[task.id] = task.body }
            let lost = acknowledged.filter { found[$0.key] != $0.value }
            #expect(
                lost.isEmpty,
                "of \(acknowledged.count) tasks \(lost.count) are lost: \(lost.keys.sorted().prefix(9))"
            )
            try bed.expectCountsToBeRight()
        }

        /// Checks that the manager has ended as it should.
        private func expectEnd(
            of manager: ManagerProcess,
            _ ending: LossyDisk.Ending = .returns,
            sourceLocation: SourceLocation = #_sourceLocation
        ) throws {
            let expected = ending == .returns ? ChildProcess.End.exited(1) : .killed(by: SIGKILL)
            #expect(
                try manager.process.waitForEnd() == expected,
                "\(manager.process.errors.text)",
                sourceLocation: sourceLocation
            )
        }

        /// Checks that a manager that is started ends with this status before it serves.
        ///
        /// - Returns: its standard error.
        @discardableResult
        private func expectRefusal(
            _ status: Int32,
            bed: TestBed,
            disk: LossyDisk,
            sourceLocation: SourceLocation = #_sourceLocation
        ) throws -> String {
            let manager = try bed.start(
                Executables.manager,
                ["--database", bed.database, "--listen", "127.0.0.1:0"],
                environment: disk.environment()
            )
            if manager.output.line(startingWith: "listening on ") != nil {
                Issue.record("it serves", sourceLocation: sourceLocation)
                manager.kill()
            }
            #expect(
                try manager.waitForEnd() == .exited(status),
                "\(manager.errors.text)",
                sourceLocation: sourceLocation
            )
            return manager.errors.text
        }

        @Test(
            arguments: [LossyDisk.Failure.writeBack, .flush],
            [LossyDisk.Ending.returns, .killed]
        )
        func `what is put after a failed sync of the log and a restart is safe`(
            failure: LossyDisk.Failure,
            ending: LossyDisk.Ending
        ) throws {
            try with(managers: 1) { bed, disk in
                var acknowledged: [Int: String] = [:]
                try put(20, through: bed.managers[0], into: &acknowledged)
                try disk.failSync(failure, of: .log, by: bed.managers[0].process.id, ending: ending)
                try put(20, through: bed.managers[0], into: &acknowledged)
                #expect(acknowledged.count == 20)
                try expectEnd(of: bed.managers[0], ending)
                try put(20, through: bed.restartManager(0, environment: disk.environment()), into: &acknowledged)
                #expect(acknowledged.count == 40)
                try expectAllAfterPowerCut(acknowledged, bed: bed, disk: disk)
            }
        }

        @Test func `pages that are evicted after a failed sync of the log lose nothing`() throws {
            try with(managers: 1) { bed, disk in
                var acknowledged: [Int: String] = [:]
                try put(20, through: bed.managers[0], into: &acknowledged)
                try disk.failSync(.writeBack, of: .log, by: bed.managers[0].process.id)
                try put(20, through: bed.managers[0], into: &acknowledged)
                try expectEnd(of: bed.managers[0])
                let manager = try bed.restartManager(0, environment: disk.environment())
                try put(20, through: manager, into: &acknowledged)
                try disk.evict()
                try put(20, through: manager, into: &acknowledged)
                #expect(acknowledged.count == 60)
                try expectAllAfterPowerCut(acknowledged, bed: bed, disk: disk)
            }
        }

        @Test(arguments: [LossyDisk.File.log, .database])
        func `a failed sync ends all managers, and those that are started again serve everything`(
            file: LossyDisk.File
        ) throws {
            try with(managers: 3) { bed, disk in
                var acknowledged: [Int: String] = [:]
                try put(20, through: bed.managers[1], into: &acknowledged)
                try disk.failSync(.writeBack, of: file, by: bed.managers[0].process.id)
                // The database is synced when the log has been copied.
                let size = file == .log ? 20 : Self.putSize
                try put(2_000, of: size, through: bed.managers[0], into: &acknowledged)
                #expect(try disk.hasFailed())
                for manager in bed.managers { try expectEnd(of: manager) }
                for index in 0..<3 { try bed.restartManager(index, environment: disk.environment()) }
                // If the sync of the database failed: until the log was restarted.
                try put(file == .log ? 100 : 500, of: size, through: bed.managers[2], into: &acknowledged)
                try expectAllAfterPowerCut(acknowledged, bed: bed, disk: disk)
            }
        }

        @Test(arguments: [LossyDisk.File.log, .database])
        func `a manager that is killed inside a failing sync loses nothing, and its peers continue`(
            file: LossyDisk.File
        ) throws {
            try with(managers: 2) { bed, disk in
                var acknowledged: [Int: String] = [:]
                try put(20, through: bed.managers[1], into: &acknowledged)
                try disk.failSync(.flush, of: file, by: bed.managers[0].process.id, ending: .killed)
                let size = file == .log ? 20 : Self.putSize
                try put(2_000, of: size, through: bed.managers[0], into: &acknowledged)
                try expectEnd(of: bed.managers[0], .killed)
                try put(20, through: bed.restartManager(0, environment: disk.environment()), into: &acknowledged)
                let (before, more) = (acknowledged.count, file == .log ? 100 : 500)
                try put(more, of: size, through: bed.managers[1], into: &acknowledged)
                #expect(acknowledged.count == before + more, "\(bed.managers[1].process.errors.text)")
                try expectAllAfterPowerCut(acknowledged, bed: bed, disk: disk)
            }
        }

        @Test func `another program that has the file open is named, and no manager serves until it has ended`() throws
        {
            try with(managers: 1) { bed, disk in
                var acknowledged: [Int: String] = [:]
                try put(20, through: bed.managers[0], into: &acknowledged)
                let shell = try bed.start("sqlite3", [bed.database], input: .pipe, environment: disk.environment())
                try shell.write("PRAGMA wal_autocheckpoint = 0; SELECT 'open ' || count(*) FROM task;\n")
                #expect(shell.output.line(startingWith: "open") == "open 20")
                try disk.failSync(.writeBack, of: .log, by: bed.managers[0].process.id)
                try put(20, through: bed.managers[0], into: &acknowledged)
                try expectEnd(of: bed.managers[0])
                let said = try expectRefusal(75, bed: bed, disk: disk)
                #expect(said.contains("\(shell.id)"), "\(said)")
                shell.kill()
                try put(20, through: bed.restartManager(0, environment: disk.environment()), into: &acknowledged)
                #expect(acknowledged.count == 40)
                try expectAllAfterPowerCut(acknowledged, bed: bed, disk: disk)
            }
        }

        @Test(arguments: [LossyDisk.File.log, .database])
        func `a manager that cannot write everything again ends, and the next one has to do it`(
            file: LossyDisk.File
        ) throws {
            try with(managers: 1) { bed, disk in
                var acknowledged: [Int: String] = [:]
                try put(20, through: bed.managers[0], into: &acknowledged)
                try disk.failSync(.writeBack, of: .log, by: bed.managers[0].process.id)
                try put(20, through: bed.managers[0], into: &acknowledged)
                try expectEnd(of: bed.managers[0])
                for _ in 1...2 {
                    // Of the manager that starts now.
                    try disk.failSync(.writeBack, of: file, by: 0)
                    try expectRefusal(1, bed: bed, disk: disk)
                    #expect(try disk.hasFailed())
                    #expect(try isSuspect(bed))
                }
                try put(20, through: bed.restartManager(0, environment: disk.environment()), into: &acknowledged)
                #expect(try !isSuspect(bed))
                #expect(acknowledged.count == 40)
                try expectAllAfterPowerCut(acknowledged, bed: bed, disk: disk)
            }
        }

        /// Whether the managers share the knowledge of a failed write: the word 18 of the shared page.
        private func isSuspect(_ bed: TestBed) throws -> Bool {
            let page = try Data(contentsOf: URL(fileURLWithPath: bed.database + "-lock"))
            return page[18 * 8..<19 * 8].contains { $0 != 0 }
        }

        @Test func `a log that has lost acknowledged tasks is refused`() throws {
            try with(managers: 1) { bed, disk in
                var acknowledged: [Int: String] = [:]
                try put(40, through: bed.managers[0], into: &acknowledged)
                bed.managers[0].kill()
                let log = bed.database + "-wal"
                let size = try #require(try FileManager.default.attributesOfItem(atPath: log)[.size] as? Int)
                #expect(truncate(log, size / 2) == 0)
                try expectRefusal(78, bed: bed, disk: disk)
            }
        }
    }
}
