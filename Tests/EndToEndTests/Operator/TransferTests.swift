import Foundation
import Glibc
import Testing

extension OperatorCommandTests {
    /// Tests `beanrow export` and `beanrow import`.
    @Suite(.enabled(if: TestSettings.isSQLite)) struct TransferTests {
        /// Fills a database with tasks in all states, with keys and pauses.
        private func fill(_ bed: TestBed) throws {
            let client = try bed.connect()
            for number: UInt32 in 1...40 {
                _ = try client.put("body \(number) \u{0} é", priority: number * 60, timeToRun: number)
            }
            for _ in 1...5 {
                let task = try client.reserve()
                try client.send("bury \(task.id) \(task.id)\r\n")
                #expect(try client.line() == "BURIED")
            }
            try client.send(
                "use mail\r\nput 5 1000 60 2\r\n\u{FF}\r\nput-unique key/1 5 0 60 3\r\nabc\r\npause-tube mail 5000\r\n"
            )
            for _ in 1...4 { _ = try client.line() }
            _ = try client.reserve()
        }

        /// The lines of an export without the header, which has the time.
        private func lines(_ bed: TestBed, _ database: String) throws -> [String] {
            try bed.maintain("export", "--database", database, "-").split(separator: "\n").dropFirst().map(String.init)
        }

        @Test func `every field is equal after a move to another file`() throws {
            try TestBed.with { bed in
                try fill(bed)
                try bed.maintain("export", "--database", bed.database, bed.path("x.jsonl"))
                let mode =
                    try FileManager.default.attributesOfItem(atPath: bed.path("x.jsonl"))[.posixPermissions] as? Int
                #expect(mode == 0o600)
                let before = try lines(bed, bed.database)
                #expect(before.count > 45)
                try bed.maintain("import", "--database", bed.path("y.db"), bed.path("x.jsonl"))
                #expect(try lines(bed, bed.path("y.db")) == before)
                let doctor = try bed.beanrow("doctor", "--database", bed.path("y.db"), "--json")
                #expect(doctor.end != .exited(1), "\(doctor.output)")
            }
        }

        @Test(.enabled(if: ProcessInfo.processInfo.environment["BEANROW_TEST_POSTGRES"] != nil))
        func `every field is equal after a move to PostgreSQL and back, also if it is interrupted`() throws {
            let address = try #require(ProcessInfo.processInfo.environment["BEANROW_TEST_POSTGRES"])
            let server = try ServerDatabase(on: address)
            defer { server.remove() }
            try TestBed.with { bed in
                try fill(bed)
                try bed.managers[0].stop()
                try bed.sql(
                    "INSERT INTO task (tube, body) SELECT 'many', randomblob(100) FROM generate_series(1, 30000)"
                )
                let before = try lines(bed, bed.database)
                try bed.maintain("export", "--database", bed.database, bed.path("x.jsonl"))
                try interrupted(bed, "import", "--database", server.address, bed.path("x.jsonl")) {
                    let found = try? server.sql("SELECT count(*) FROM beanrow.task_state")
                    return found.map { $0 != "0" } ?? false
                }
                let refused = try bed.run(
                    Executables.manager,
                    ["--database", server.address, "--listen", "127.0.0.1:0"]
                )
                #expect(refused.end != .exited(0))
                #expect(refused.errors.contains("an import is not complete"), "\(refused.errors)")
                try bed.maintain("import", "--database", server.address, bed.path("x.jsonl"))
                #expect(try server.differentCounts() == "")
                #expect(try lines(bed, server.address) == before)
                try bed.maintain("export", "--database", server.address, bed.path("back.jsonl"))
                try interrupted(bed, "import", "--database", bed.path("back.db"), bed.path("back.jsonl")) {
                    FileManager.default.fileExists(atPath: bed.path("back.db.importing"))
                }
                #expect(!FileManager.default.fileExists(atPath: bed.path("back.db")))
                try bed.maintain("import", "--database", bed.path("back.db"), bed.path("back.jsonl"))
                #expect(try lines(bed, bed.path("back.db")) == before)
                let manager = try ManagerProcess(database: server.address, name: "m")
                defer { manager.kill() }
                let last = before.compactMap { try? $0.jsonObject()["id"] as? Int }.max() ?? 0
                #expect(try manager.connect().put("new") > last)
                let full = try bed.beanrow("import", "--database", server.address, bed.path("x.jsonl"))
                #expect(full.end == .exited(1))
                let doctor = try bed.beanrow("doctor", "--database", server.address, "--json")
                #expect(doctor.end != .exited(1), "\(doctor.output)")
            }
        }

        /// Starts a command and kills it when it has done a part of its work.
        private func interrupted(_ bed: TestBed, _ arguments: String..., once hasBegun: () throws -> Bool) throws {
            let child = try bed.start(Executables.beanrow, arguments)
            try eventually("the command has begun") { try hasBegun() || child.hasEnded }
            child.kill()
            #expect(try child.waitForEnd() == .killed(by: SIGKILL), "\(child.errors.text)")
        }

        @Test func `an import with managers, into a database with tasks, or of a wrong file changes nothing`() throws {
            try TestBed.with { bed in
                try fill(bed)
                try bed.maintain("export", "--database", bed.database, bed.path("x.jsonl"))
                let text = try String(contentsOfFile: bed.path("x.jsonl"), encoding: .utf8)
                func refused(_ database: String, _ file: String, _ words: String) throws {
                    let result = try bed.beanrow("import", "--database", database, file)
                    #expect(result.end == .exited(1))
                    #expect(result.errors.contains(words), "\(result.errors)")
                    #expect(result.errors.split(separator: "\n").count == 1)
                }
                try refused(bed.database, bed.path("x.jsonl"), "managers are running")
                try bed.managers[0].stop()
                try refused(bed.database, bed.path("x.jsonl"), "not empty")
                let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
                for (name, content, words) in [
                    ("short", lines.dropLast(2).joined(separator: "\n") + "\n", "the last line is missing"),
                    ("cut", String(text.dropLast(30)), "cut short"),
                    ("none", "hello\n", "line 1 is not a line of an export"),
                    ("missing", text.replacing(lines[10] + "\n", with: ""), "the export has"),
                    ("strange", text.replacing("\"ttr_seconds\":9,", with: "\"ttr_seconds\":0,"), "ttr_seconds"),
                ] {
                    try content.write(toFile: bed.path(name), atomically: false, encoding: .utf8)
                    try refused(bed.path("\(name).db"), bed.path(name), words)
                    #expect(!FileManager.default.fileExists(atPath: bed.path("\(name).db")))
                }
            }
        }
    }

    /// Tests `beanrow doctor`, `beanrow migrate` and `beanrow version`.
    @Suite(.enabled(if: TestSettings.isSQLite)) struct DoctorTests {
        private func findings(_ bed: TestBed, _ arguments: String...) throws -> (ChildProcess.End, [String: String]) {
            let result = try bed.run(Executables.beanrow, ["doctor", "--database", bed.database, "--json"] + arguments)
            let rows = try result.output.jsonObject()["findings"] as? [[String: Any]] ?? []
            var levels: [String: String] = [:]
            for row in rows {
                let (check, level) = (row["check"] as? String ?? "", row["level"] as? String ?? "")
                levels[check] = level
                if level != "ok" { #expect((row["advice"] as? String)?.isEmpty == false, "\(row)") }
            }
            return (result.end, levels)
        }

        @Test func `a healthy database has no error`() throws {
            try TestBed.with(managers: 2) { bed in
                _ = try bed.connect().put("x")
                let (end, levels) = try findings(bed)
                #expect(end == .exited(3))
                #expect(levels.filter { $0.value != "ok" }.keys.sorted() == ["backup"], "\(levels)")
            }
        }

        @Test func `wrong counts are found, and corrected once no manager runs`() throws {
            try TestBed.with { bed in
                for _ in 1...3 { _ = try bed.connect().put("x") }
                try bed.sql("UPDATE tube SET pending = 7 WHERE name = 'default'")
                let (end, levels) = try findings(bed)
                #expect(end == .exited(1))
                #expect(levels["counts"] == "error")
                let refused = try bed.beanrow("doctor", "--database", bed.database, "--repair")
                #expect(refused.end == .exited(1))
                #expect(refused.errors.contains("managers are running"))
                try bed.managers[0].stop()
                let repaired = try bed.beanrow("doctor", "--database", bed.database, "--repair")
                #expect(repaired.errors.contains("corrected the counts of 1 tubes"), "\(repaired.errors)")
                #expect(try bed.sql("SELECT pending FROM tube") == "3")
            }
        }

        @Test func `a damaged body, a reader, traces of Litestream and open permissions are found`() throws {
            try TestBed.with { bed in
                _ = try bed.connect().put("x")
                try bed.sql("UPDATE task_body SET checksum = 5; CREATE TABLE _litestream_seq (id INTEGER)")
                let reader = try bed.start("sqlite3", ["-readonly", bed.database], input: .pipe)
                try reader.write("BEGIN; SELECT count(*) FROM tube;\n")
                try eventually("it reads") { reader.output.text.contains("1") }
                chmod(bed.database, 0o644)
                let (end, levels) = try findings(bed)
                #expect(end == .exited(1))
                #expect(levels["bodies"] == "error")
                #expect(levels["other programs"] == "error")
                #expect(levels["readers"] == "warning")
                #expect(levels["permissions"] == "warning")
                reader.closeInput()
            }
        }

        @Test func `versions are reported`() throws {
            try TestBed.with { bed in
                let status = try bed.maintain("migrate", "status", "--database", bed.database, "--json").jsonObject()
                #expect(status["schema_version"] as? Int == status["wanted_schema_version"] as? Int)
                #expect(try bed.maintain("migrate", "--show-sql", "--database", bed.database) == "")
                let versions = try bed.maintain("version", "--json").jsonObject()
                #expect(versions["sqlite_schema_version"] as? Int == status["schema_version"] as? Int)
            }
        }
    }
}
