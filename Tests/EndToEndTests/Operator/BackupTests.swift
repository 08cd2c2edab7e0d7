import Foundation
import Synchronization
import Testing

extension OperatorCommandTests {
    /// Tests `beanrow backup` and `beanrow restore`.
    @Suite(.enabled(if: TestSettings.isSQLite)) struct BackupTests {
        /// What clients know: which tasks were acknowledged, and which deletes were sent.
        private final class Ledger: Sendable {
            private struct State {
                var put: Set<Int> = []
                var deleting: Set<Int> = []
                var isStopped = false
            }
            private let state = Mutex(State())

            var put: Set<Int> { state.withLock { $0.put } }
            var deleting: Set<Int> { state.withLock { $0.deleting } }
            var isStopped: Bool { state.withLock { $0.isStopped } }

            func acknowledge(_ id: Int) { state.withLock { _ = $0.put.insert(id) } }
            func willDelete(_ id: Int) { state.withLock { _ = $0.deleting.insert(id) } }
            func stop() { state.withLock { $0.isStopped = true } }
        }

        /// Puts tasks and deletes every third one, over any manager that answers, until the ledger is stopped.
        private func load(_ bed: TestBed, _ ledger: Ledger, _ number: Int) {
            while !ledger.isStopped {
                guard let socket = try? bed.managers[number % bed.managers.count].connect() else { continue }
                while !ledger.isStopped {
                    guard (try? socket.send("put 0 0 600 4\r\nload\r\n")) != nil, let answer = try? socket.line(),
                        answer.hasPrefix("INSERTED "), let id = Int(answer.dropFirst("INSERTED ".count))
                    else { break }
                    ledger.acknowledge(id)
                    guard id % 3 == 0 else { continue }
                    ledger.willDelete(id)
                    guard (try? socket.send("delete \(id)\r\n")) != nil, (try? socket.line()) != nil else { break }
                }
            }
        }

        private func ids(in file: String, _ bed: TestBed) throws -> Set<Int> {
            let result = try bed.run(
                "sqlite3",
                ["-readonly", file, "PRAGMA integrity_check; SELECT id FROM task_state"]
            )
            let lines = result.output.split(separator: "\n")
            #expect(lines.first == "ok", "\(result.output.prefix(300)) \(result.errors)")
            return Set(lines.dropFirst().compactMap { Int($0) })
        }

        @Test func `each backup under load and kills has what was acknowledged before and not deleted before its end`()
            throws
        {
            try TestBed.with(managers: 3, fixedPorts: true) { bed in
                let ledger = Ledger()
                let group = DispatchGroup()
                for number in 0..<4 {
                    group.enter()
                    Thread.detachNewThread {
                        self.load(bed, ledger, number)
                        group.leave()
                    }
                }
                defer {
                    ledger.stop()
                    group.wait()
                }
                try eventually("there are tasks") { ledger.put.count > 100 }
                for round in 0..<12 {
                    let before = ledger.put.subtracting(ledger.deleting)
                    let file = bed.path("backup-\(round).db")
                    let child = try bed.start(Executables.beanrow, ["backup", "--database", bed.database, file])
                    if round % 3 == 1 {
                        usleep(UInt32.random(in: 0..<60_000))
                        child.kill()
                    }
                    if round % 4 == 2 {
                        bed.managers[round % 3].kill()
                        try bed.restartManager(round % 3)
                    }
                    let end = try child.waitForEnd()
                    let deleted = ledger.deleting
                    guard FileManager.default.fileExists(atPath: file) else {
                        #expect(end != .exited(0))
                        continue
                    }
                    let copied = try ids(in: file, bed)
                    let missing = before.subtracting(deleted).subtracting(copied)
                    #expect(missing.isEmpty, "round \(round): \(missing.sorted().prefix(10))")
                    let mode = try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int
                    #expect(mode == 0o600)
                }
                #expect(try bed.run("/bin/sh", ["-c", "ls \(bed.directory.path)/*.db | wc -l"]).output.trimmed != "1")
            }
        }

        @Test func `after a restore everything is there, claims are pending, and no id is issued again`() throws {
            try TestBed.with(managers: 2) { bed in
                let client = try bed.connect()
                let kept = try client.put("kept")
                let claimed = try client.put("claimed")
                #expect(try client.reserve().id == kept)
                try client.send("release \(kept) 5 0\r\n")
                #expect(try client.line() == "RELEASED")
                try client.send("reserve-job \(claimed)\r\n")
                _ = try client.task("RESERVED")
                let line = try bed.maintain("backup", "--database", bed.database, bed.path("b.db")).jsonObject()
                #expect(line["tasks"] as? Int == 2)
                #expect(line["verified"] as? Bool == true)
                let later = try client.put("after the backup")
                let refused = try bed.beanrow("restore", bed.path("b.db"), "--database", bed.database)
                #expect(refused.end == .exited(1))
                #expect(refused.errors.contains("managers are running"), "\(refused.errors)")
                bed.managers[0].kill()
                bed.managers[1].kill()
                let restored = try bed.maintain("restore", bed.path("b.db"), "--database", bed.database, "--json")
                    .jsonObject()
                #expect(restored["returned_claims"] as? Int == 1)
                #expect(restored["first_new_id_guessed"] as? Bool == false)
                let aside = try #require(restored["moved_aside"] as? [String])
                #expect(aside.count >= 2)
                // The old files are whole: the task that was put after the backup is in them.
                let old = try #require(aside.first { $0.hasSuffix(where: \.isNumber) })
                #expect(try bed.run("sqlite3", [old, "SELECT count(*) FROM task_state"]).output == "3\n")
                try bed.startManager()
                let again = try bed.managers[2].connect()
                #expect(Set([try again.reserve().id, try again.reserve().id]) == [kept, claimed])
                #expect(try again.put("new") > later + 999_999_999)
                try bed.expectCountsToBeRight()
            }
        }

        @Test func `a damaged old database is moved aside, and the guess is said`() throws {
            try TestBed.with { bed in
                _ = try bed.connect().put("x")
                try bed.maintain("backup", "--database", bed.database, bed.path("b.db"))
                try bed.managers[0].stop()
                // By another process: managers of other tests, which start at the same time, inherit files that this one opens.
                #expect(try bed.run("sh", ["-c", "printf broken >\"$0\"", bed.database]).end == .exited(0))
                let result = try bed.beanrow(
                    "restore",
                    bed.path("b.db"),
                    "--database",
                    bed.database,
                    "--paused",
                    "--json"
                )
                #expect(result.end == .exited(0), "\(result.errors)")
                #expect(result.errors.contains("could not be read"))
                #expect(try result.output.jsonObject()["first_new_id_guessed"] as? Bool == true)
                try bed.startManager()
                #expect(try bed.managers[1].connect().statistics("stats-tube default")["pause"] != "0")
            }
        }

        @Test func `a backup that is not whole is refused, and nothing changes`() throws {
            try TestBed.with { bed in
                _ = try bed.connect().put(String(repeating: "body ", count: 1000))
                try bed.maintain("backup", "--database", bed.database, bed.path("b.db"))
                try bed.managers[0].stop()
                let bytes = try Data(contentsOf: URL(fileURLWithPath: bed.path("b.db")))
                var damaged = bytes
                let place = try #require(damaged.range(of: Data("body body".utf8)))
                damaged[place.lowerBound] = 0x42
                try damaged.write(to: URL(fileURLWithPath: bed.path("damaged.db")))
                try bytes.prefix(bytes.count / 2).write(to: URL(fileURLWithPath: bed.path("short.db")))
                let before = try Data(contentsOf: URL(fileURLWithPath: bed.database))
                for name in ["damaged.db", "short.db", "none.db"] {
                    let result = try bed.beanrow("restore", bed.path(name), "--database", bed.database)
                    #expect(result.end == .exited(1), "\(name)")
                    #expect(result.errors.split(separator: "\n").count == 1, "\(result.errors)")
                }
                #expect(try Data(contentsOf: URL(fileURLWithPath: bed.database)) == before)
                #expect(try !bed.run("/bin/sh", ["-c", "ls \(bed.directory.path)"]).output.contains("restoring"))
            }
        }

        @Test func `managers refuse a database whose restore was interrupted`() throws {
            try TestBed.with { bed in
                _ = try bed.connect().put("x")
                try bed.maintain("backup", "--database", bed.database, bed.path("b.db"))
                try bed.managers[0].stop()
                _ = FileManager.default.createFile(atPath: bed.database + "-restoring", contents: nil)
                let refused = try bed.run(Executables.manager, ["--database", bed.database, "--listen", "127.0.0.1:0"])
                #expect(refused.end == .exited(1))
                #expect(refused.errors.contains("beanrow restore"), "\(refused.errors)")
                try bed.maintain("restore", bed.path("b.db"), "--database", bed.database)
                try bed.startManager()
                #expect(try bed.managers[1].connect().reserve().body == "x")
            }
        }

        @Test func `--keep removes the oldest backups of this database only, and parts of killed ones`() throws {
            try TestBed.with { bed in
                let directory = bed.path("backups")
                try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: false)
                for name in [
                    "tasks-notes.db", "other-20200101T000000.000Z.db", "tasks-20200101T000000.000Z.db.partial",
                ] {
                    _ = FileManager.default.createFile(atPath: "\(directory)/\(name)", contents: nil)
                }
                for _ in 0..<4 { try bed.maintain("backup", "--database", bed.database, directory, "--keep", "2") }
                let names = try FileManager.default.contentsOfDirectory(atPath: directory).sorted()
                #expect(names.count == 4, "\(names)")
                #expect(names.contains("tasks-notes.db") && names.contains("other-20200101T000000.000Z.db"))
                #expect(!names.contains { $0.hasSuffix(".partial") })
                let wrong = try bed.beanrow("backup", "--database", bed.database, bed.path("one.db"), "--keep", "2")
                #expect(wrong.end == .exited(1))
            }
        }

        @Test func `it gives up with the rate if the log becomes too long, and leaves nothing`() throws {
            try TestBed.with { bed in
                let client = try bed.connect()
                let body = String(repeating: "x", count: 60_000)
                // More than half of the smallest limit is in the log, while another program prevents that it is emptied.
                let reader = try bed.start(
                    "sqlite3",
                    ["-readonly", bed.database],
                    input: .pipe
                )
                try reader.write("BEGIN; SELECT count(*) FROM tube;\n")
                try eventually("it reads") { reader.output.text.contains("1") }
                for _ in 0..<160 { _ = try client.put(body) }
                let result = try bed.beanrow(
                    "backup",
                    "--database",
                    bed.database,
                    bed.path("b.db"),
                    "--max-log-size",
                    "16"
                )
                #expect(result.end == .exited(1))
                #expect(result.errors.contains("MiB/s"), "\(result.errors)")
                #expect(try !bed.run("/bin/sh", ["-c", "ls \(bed.directory.path)"]).output.contains("b.db"))
                reader.closeInput()
            }
        }
    }
}

extension String {
    fileprivate func hasSuffix(where isSuffix: (Character) -> Bool) -> Bool { last.map(isSuffix) ?? false }
}
