import Foundation
import Testing

extension SQLTests {
    /// Tests `beanrow sql`.
    @Suite struct ShellTests {
        @Test func `it shows the views in boxes and changes nothing`() throws {
            try TestBed.with { bed in
                try bed.connect().put("hello")
                let shown = try bed.run(
                    Executables.beanrow,
                    ["sql", "--database", bed.database, "SELECT name, pending FROM tube_overview"]
                )
                #expect(shown.end == .exited(0))
                #expect(
                    shown.output == """
                        ┌─────────┬─────────┐
                        │  name   │ pending │
                        ├─────────┼─────────┤
                        │ default │ 1       │
                        └─────────┴─────────┘

                        """
                )
                #expect(shown.errors == "")
                let refused = try bed.run(
                    Executables.beanrow,
                    ["sql", "--database", bed.database, "DELETE FROM task", "SELECT 1"]
                )
                #expect(refused.end != .exited(0))
                #expect(refused.output == "")
                #expect(refused.errors.contains("readonly"))
                #expect(try bed.connect().reserve().body == "hello")
            }
        }

        @Test func `it opens tasks db in the current directory, and reads statements from its input`() throws {
            try TestBed.with { bed in
                try bed.connect().put("hello")
                let result = try bed.shell("echo 'SELECT state FROM task;' | beanrow sql")
                #expect(result.end == .exited(0))
                #expect(result.output.contains("│ pending │"))
                #expect(result.errors == "")
            }
        }

        @Test func `a name that looks like a flag or a URI is a file name`() throws {
            try TestBed.with(managers: 0) { bed in
                for name in ["-readonly", "file:a?b", "with space", "it's"] {
                    let manager = try ManagerProcess(database: bed.path(name), name: "m")
                    defer { manager.kill() }
                    let result = try bed.shell(
                        "beanrow sql --database=\"$(basename '\(name.replacing("'", with: "'\\''"))')\" 'SELECT name FROM manager'"
                            .replacing("basename '-", with: "basename -- '-")
                    )
                    #expect(result.end == .exited(0), "\(result.errors)")
                    #expect(result.output.contains("│ m    │"))
                }
            }
        }

        @Test func `with --write it changes the database and leaves checkpoints to the managers`() throws {
            try TestBed.with { bed in
                let client = try bed.connect()
                try client.send("reserve\r\n")
                let result = try bed.run(
                    Executables.beanrow,
                    [
                        "sql", "--database", bed.database, "--write",
                        "INSERT INTO task (tube, body) VALUES ('default', 'hello')",
                        "PRAGMA wal_autocheckpoint", "PRAGMA busy_timeout",
                    ]
                )
                #expect(result.end == .exited(0), "\(result.errors)")
                #expect(Boxes(result.output).headers == [["wal_autocheckpoint"], ["timeout"]])
                #expect(result.output.contains("│ 0 "))
                #expect(result.output.contains("│ 10000 "))
                #expect(try client.task("RESERVED").body == "hello")
            }
        }

        @Test func `with --write and without statements it prints a warning`() throws {
            try TestBed.with { bed in
                let result = try bed.run(Executables.beanrow, ["sql", "--database", bed.database, "--write"])
                #expect(result.end == .exited(0))
                #expect(result.errors.contains("keep transactions short"))
                #expect(result.output == "")
            }
        }

        @Test func `a statement that fails ends it`() throws {
            try TestBed.with { bed in
                let result = try bed.run(
                    Executables.beanrow,
                    [
                        "sql", "--database", bed.database, "--write", "INSERT INTO task (tube, body) VALUES ('-', 'a')",
                        "SELECT 1",
                    ]
                )
                #expect(result.end != .exited(0))
                #expect(result.output == "")
                #expect(result.errors.contains("a tube's name has 1 to 200 of the characters"))
            }
        }

        @Test func `it reports what is wrong with the file`() throws {
            try TestBed.with(managers: 0) { bed in
                try "A letter to my aunt, longer than a database's header has to be, so that it could be one at all.\n"
                    .write(toFile: bed.path("letter"), atomically: false, encoding: .utf8)
                _ = try bed.run("sqlite3", [bed.path("other.db"), "CREATE TABLE contact (name TEXT);"])
                let cases = [
                    (bed.path("absent.db"), "absent.db: no such file"),
                    (bed.path("absent/tasks.db"), "absent/tasks.db: no such file"),
                    (bed.directory.path, ": not a file"),
                    (bed.path("letter"), "letter: not a SQLite database"),
                    (bed.path("other.db"), "other.db: the database of another application"),
                ]
                for (file, message) in cases {
                    let result = try bed.run(Executables.beanrow, ["sql", "--database", file, "SELECT 1"])
                    #expect(result.end == .exited(1))
                    #expect(result.errors.hasPrefix("beanrow: "))
                    #expect(
                        result.errors.contains(message.split(separator: "Error: stepping, ").last ?? ""),
                        "\(result.errors)"
                    )
                    #expect(result.errors.split(separator: "\n").count == 1)
                    #expect(result.output == "")
                }
                #expect(!FileManager.default.fileExists(atPath: bed.path("absent.db")))
            }
        }

        @Test(.enabled(if: TestSettings.isRoot, "takes another user's part"))
        func `a user without access to the files learns the name of their owner`() throws {
            try TestBed.with { bed in
                // In /tmp, since other users may have no access to the build directory.
                let place = FileManager.default.temporaryDirectory.appendingPathComponent(
                    "beanrow-\(UUID().uuidString)"
                )
                try FileManager.default.createDirectory(at: place, withIntermediateDirectories: false)
                defer { try? FileManager.default.removeItem(at: place) }
                let database = place.appendingPathComponent("tasks.db").path
                let script = place.appendingPathComponent("beanrow").path
                // By another program: while this process has the copy open for writing, no program can be started from it.
                #expect(try bed.run("cp", [Executables.beanrow, script]).end == .exited(0))
                func setMode(_ mode: Int, _ path: String) throws {
                    try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
                }
                try setMode(0o777, place.path)
                let manager = try ManagerProcess(database: database, name: "m")
                defer { manager.kill() }
                func sqlAsNobody(_ arguments: String...) throws -> (
                    end: ChildProcess.End, output: String, errors: String
                ) {
                    let otherUser = ["--reuid=65534", "--regid=65534", "--clear-groups"]
                    return try bed.run("setpriv", otherUser + [script, "sql"] + arguments)
                }

                let closed = try sqlAsNobody("--database", database, "SELECT 1")
                #expect(closed.end == .exited(1))
                #expect(closed.errors.hasPrefix("beanrow: \(database): you may not read it: it belongs to root"))

                try setMode(0o644, database)
                let logClosed = try sqlAsNobody("--database", database, "SELECT 1")
                #expect(logClosed.end == .exited(1))
                #expect(logClosed.errors.hasPrefix("beanrow: \(database): you may not read \(database)-wal beside it"))

                for suffix in ["-wal", "-shm"] { try setMode(0o644, database + suffix) }
                let open = try sqlAsNobody("--database", database, "SELECT count(*) FROM tube")
                #expect(open.end == .exited(0), "\(open.errors)")
                let writing = try sqlAsNobody("--write", "--database", database, "SELECT 1")
                #expect(writing.errors.hasPrefix("beanrow: \(database): you may not write to it: it belongs to root"))

                // Without a manager, the files beside the database would be created and belong to no manager.
                try manager.stop()
                let alone = try sqlAsNobody("--database", database, "SELECT 1")
                #expect(alone.end == .exited(1))
                #expect(alone.errors.hasPrefix("beanrow: \(database): no manager is running"))
                #expect(!FileManager.default.fileExists(atPath: database + "-shm"))
            }
        }

        @Test func `it reports that SQLite's shell is missing`() throws {
            try TestBed.with { bed in
                let bash = try bed.run("bash", ["-c", "command -v bash"]).output.split(separator: "\n").joined()
                let child = try bed.start(
                    bash,
                    ["-c", "exec '\(Executables.beanrow)' sql --database '\(bed.database)'"],
                    environment: ["PATH": bed.path("nothing")]
                )
                #expect(try child.waitForEnd() == .exited(1))
                #expect(child.errors.text.contains("sqlite3 is missing"))
            }
        }

        @Test func `its help names the views, and an unknown flag is refused`() throws {
            try TestBed.with(managers: 0) { bed in
                let help = try bed.run(Executables.beanrow, ["sql", "--help"])
                #expect(help.end == .exited(0))
                for view in ["tube_overview", "task_overview", "claim_overview", "oldest_pending", "manager_overview"] {
                    #expect(help.output.contains(view))
                }
                #expect(try bed.run(Executables.beanrow, ["sql", "--wrote"]).end == .exited(64))
            }
        }
    }
}
