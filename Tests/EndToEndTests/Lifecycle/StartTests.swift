import Foundation
import Testing

extension LifecycleTests {
    /// The files and the command lines with which a manager starts, or does not.
    @Suite struct Start {
        @Test func `three managers that start at the same moment on a missing file create one file`() throws {
            try TestBed.with(managers: 0) { bed in
                let processes = try (1...3)
                    .map { number in
                        try bed.start(
                            Executables.manager,
                            ["--database", bed.database, "--listen", "127.0.0.1:0", "--name", "m\(number)"]
                        )
                    }
                let ports = try processes.map { process in
                    let line = process.output.line(startingWith: "listening on ")
                    return try #require(line?.split(separator: ":").last.flatMap { Int($0) }, "\(process.errors.text)")
                }
                for (number, port) in ports.enumerated() {
                    #expect(try BeanstalkSocket(port: port).put("\(number)") == number + 1)
                }
                #expect(try bed.sql("SELECT count(*) FROM manager;") == "3")
                #expect(try bed.sql("SELECT count(*) FROM task;") == "3")
            }
        }

        @Test func `it prints its address`() throws {
            try TestBed.with { bed in
                #expect(bed.managers[0].process.output.text == "listening on 127.0.0.1:\(bed.managers[0].port)\n")
            }
        }

        @Test(arguments: [
            "user:secret@host/db", "Postgres://user:secret@host/db", "host=db password=secret",
            "jdbc:pg://u:secret@host/db", "postgres:/user:secret@host/db", "'postgres://user:secret@host/db'",
        ])
        func `a mistaken address of a server is refused and not repeated`(_ database: String) throws {
            try TestBed.with(managers: 0) { bed in
                let result = try bed.run(Executables.manager, ["--database", database, "--listen", "127.0.0.1:0"])
                #expect(result.end == .exited(64))
                #expect(result.errors.contains("--database must be") && !result.errors.contains("secret"))
            }
        }

        @Test func `a file that is no database is refused and not changed`() throws {
            try TestBed.with(managers: 0) { bed in
                let text = String(repeating: "This is a letter to my aunt.\n", count: 100)
                try text.write(toFile: bed.database, atomically: false, encoding: .utf8)
                try expectRefusal(bed, mentions: bed.database)
                #expect(try String(contentsOfFile: bed.database, encoding: .utf8) == text)
            }
        }

        @Test(
            arguments: [
                "CREATE TABLE contact(name TEXT); INSERT INTO contact VALUES ('aunt');",
                "PRAGMA application_id=252006673; CREATE TABLE contact(name TEXT);",
                "CREATE TABLE task(id INTEGER PRIMARY KEY, title TEXT); CREATE TABLE tube(id INTEGER PRIMARY KEY);",
            ]
        ) func `another application's database is refused and not changed`(statements: String) throws {
            try TestBed.with(managers: 0) { bed in
                _ = try bed.run("sqlite3", [bed.database, statements])
                let before = try Data(contentsOf: URL(fileURLWithPath: bed.database))
                try expectRefusal(bed, mentions: bed.database)
                #expect(try Data(contentsOf: URL(fileURLWithPath: bed.database)) == before)
            }
        }

        @Test func `a schema newer than it knows is refused`() throws {
            try TestBed.with { bed in
                try bed.managers[0].stop()
                try bed.sql("PRAGMA user_version=999999;")
                try expectRefusal(bed, mentions: "999999")
            }
        }

        @Test func `a missing directory is refused`() throws {
            try TestBed.with(managers: 0) { bed in
                try expectRefusal(bed, database: bed.path("absent/tasks.db"), mentions: bed.path("absent/tasks.db"))
            }
        }

        @Test func `a directory without write access is refused`() throws {
            try TestBed.with(managers: 0) { bed in
                // Root may write everywhere, except in a file system without directories to write to.
                let directory = TestSettings.isRoot ? "/proc" : bed.path("locked")
                if !TestSettings.isRoot {
                    try FileManager.default.createDirectory(
                        atPath: directory,
                        withIntermediateDirectories: false,
                        attributes: [.posixPermissions: 0o500]
                    )
                }
                let database = directory + "/beanrow-tasks.db"
                try expectRefusal(bed, database: database, mentions: database)
            }
        }

        @Test func `a directory in place of the file is refused`() throws {
            try TestBed.with(managers: 0) { bed in
                try expectRefusal(bed, database: bed.directory.path, mentions: bed.directory.path)
            }
        }

        @Test func `a port in use is refused`() throws {
            try TestBed.with { bed in
                let address = bed.managers[0].address
                try expectRefusal(bed, listen: address, mentions: address)
                // The first manager still works.
                #expect(try bed.connect().put("a") == 1)
                try eventually("the refused manager has left nothing") {
                    try bed.sql("SELECT count(*) FROM manager;") == "1"
                }
            }
        }

        @Test func `an address of another machine is refused`() throws {
            try TestBed.with(managers: 0) { bed in
                try expectRefusal(bed, listen: "192.0.2.1:0", mentions: "192.0.2.1")
            }
        }

        @Test(
            arguments: [
                ["--databse", "x"], ["--listen", ""], ["--listen", "127.0.0.1:x"], ["--listen", "127.0.0.1:99999"],
                ["--max-task-size", "x"],
                ["--max-task-size", "-1"], ["--log-level", "loud"], ["extra"], ["--listen"],
            ]
        ) func `wrong flags get the usage and status 64`(arguments: [String]) throws {
            try TestBed.with(managers: 0) { bed in
                let result = try bed.run(Executables.manager, ["--database", bed.database] + arguments)
                #expect(result.end == .exited(64))
                #expect(result.output == "")
                #expect(result.errors.contains("Usage: beanrow-manager"), "\(result.errors)")
                #expect(!FileManager.default.fileExists(atPath: bed.database))
            }
        }

        @Test func `a larger task size can be set`() throws {
            try TestBed.with(options: ["--max-task-size", "100000"]) { bed in
                let client = try bed.connect()
                let body = String(repeating: "x", count: 100_000)
                #expect(try client.put(body) == 1)
                #expect(try client.reserve().body == body)
                try client.send("put 0 0 1 100001\r\nx\(body)\r\n")
                try client.expect("JOB_TOO_BIG")
                #expect(try client.statistics("stats")["max-job-size"] == "100000")
            }
        }

        /// Checks that a manager does not start: one line with the reason, and a status other than zero.
        private func expectRefusal(
            _ bed: TestBed,
            database: String? = nil,
            listen: String = "127.0.0.1:0",
            mentions words: String,
            sourceLocation: SourceLocation = #_sourceLocation
        ) throws {
            let result = try bed.run(Executables.manager, ["--database", database ?? bed.database, "--listen", listen])
            #expect(result.output == "", sourceLocation: sourceLocation)
            guard case .exited(let status) = result.end else {
                Issue.record("\(result.end)\n\(result.errors)", sourceLocation: sourceLocation)
                return
            }
            #expect(status != 0, sourceLocation: sourceLocation)
            let lines = result.errors.split(separator: "\n")
            #expect(lines.count == 1, "\(result.errors)", sourceLocation: sourceLocation)
            #expect(result.errors.contains(words), "\(result.errors)", sourceLocation: sourceLocation)
        }
    }
}

extension LifecycleTests {
    /// Files that are created, and files that are restored.
    @Suite struct Files {
        @Test func `a database restored from a dump is refused, with the command that makes it usable`() throws {
            try TestBed.with { bed in
                let client = try bed.connect()
                for number in 1...3 { try client.put("task \(number)") }
                try bed.managers[0].stop()
                let dump = try bed.run("sqlite3", ["-readonly", bed.database, ".dump"])
                let restored = bed.path("restored.db")
                #expect(try bed.run("sqlite3", [restored], input: dump.output).end == .exited(0))
                let arguments = ["--database", restored, "--listen", "127.0.0.1:0"]
                let refused = try bed.run(Executables.manager, arguments)
                #expect(refused.end == .exited(1))
                let command = try #require(
                    refused.errors.firstMatch(of: /sqlite3 (\S+) '([^']+)'/),
                    "\(refused.errors)"
                )
                #expect(command.1 == restored)
                #expect(try bed.run("sqlite3", [String(command.1), String(command.2)]).end == .exited(0))
                let manager = try bed.start(Executables.manager, arguments)
                let line = manager.output.line(startingWith: "listening on ")
                let port = try #require(line?.split(separator: ":").last.flatMap { Int($0) }, "\(manager.errors.text)")
                let again = try BeanstalkSocket(port: port)
                #expect(try again.reserve().body == "task 1")
                #expect(try again.put("new") == 4)
            }
        }

        @Test(arguments: [("600", 0o600), ("660", 0o660)])
        func `all files have the requested permissions, with any umask`(_ mode: (String, Int)) throws {
            try TestBed.with(managers: 0) { bed in
                let manager = try bed.start(
                    "sh",
                    [
                        "-c", "umask 027 && exec \"$0\" \"$@\"", Executables.manager, "--database", bed.database,
                        "--listen",
                        "127.0.0.1:0", "--file-mode", mode.0,
                    ]
                )
                let line = manager.output.line(startingWith: "listening on ")
                let port = try #require(line?.split(separator: ":").last.flatMap { Int($0) }, "\(manager.errors.text)")
                #expect(try BeanstalkSocket(port: port).put("a") == 1)
                for suffix in ["", "-wal", "-shm", "-lock", "-reserve"] {
                    let attributes = try FileManager.default.attributesOfItem(atPath: bed.database + suffix)
                    #expect(attributes[.posixPermissions] as? Int == mode.1, "\(suffix)")
                }
            }
        }

        @Test(arguments: ["6", "abc", "777", "060", "660x", "10660"])
        func `wrong permissions are refused`(mode: String) throws {
            try TestBed.with(managers: 0) { bed in
                let arguments = ["--database", bed.database, "--listen", "127.0.0.1:0", "--file-mode", mode]
                let end = try bed.run(Executables.manager, arguments).end
                #expect(end == .exited(64))
            }
        }
    }
}
