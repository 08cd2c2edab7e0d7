import Foundation
import Testing

extension LifecycleTests {
    /// A disk that is full.
    @Suite struct DiskFull {
        @Test func `at the limit of a file's length puts are refused, tasks are worked off, and it starts again`()
            throws
        {
            try TestBed.with(managers: 0) { bed in
                let port = try bed.reservePort()
                func start() throws -> ChildProcess {
                    let manager = try bed.start(
                        "bash",
                        [
                            "-c", "ulimit -f 5500 && exec \"$0\" \"$@\"", Executables.manager, "--database",
                            bed.database,
                            "--listen", "127.0.0.1:\(port)",
                        ]
                    )
                    _ = try #require(manager.output.line(startingWith: "listening"), "\(manager.errors.text)")
                    return manager
                }
                let first = try start()
                let client = try BeanstalkSocket(port: port)
                let body = String(repeating: "x", count: 20_000)
                var last = 0
                var refused = 0
                while refused < 100, last < 2000 {
                    try client.send("put 0 0 600 20000\r\n\(body)\r\n")
                    if try client.line() == "OUT_OF_MEMORY" { refused += 1 } else { last += 1 }
                }
                #expect(refused == 100)
                for id in 1...last / 2 { try client.ask("delete \(id)", "DELETED") }
                first.kill()
                let said = first.errors.text.split(separator: "\n")
                #expect(said.filter { $0.contains("no room: puts are refused") }.count == 1, "\(said)")

                let second = try start()
                let again = try BeanstalkSocket(port: port)
                for id in last / 2 + 1...last {
                    #expect(try again.reserve().id == id)
                    try again.ask("delete \(id)", "DELETED")
                }
                try again.put(body)
                second.signal(SIGTERM)
                #expect(try second.waitForEnd() == .exited(0), "\(second.errors.text)")
                try bed.expectCountsToBeRight()
            }
        }

        @Test(.enabled(if: SmallDisk.isPossible, "needs root and mount(8)"))
        func `a manager that was killed on a full disk restarts, and its tasks can be done`() throws {
            try TestBed.with(managers: 0) { bed in
                try SmallDisk.with(directory: bed.path("small"), size: "16m") { directory in
                    let database = directory + "/tasks.db"
                    let first = try ManagerProcess(database: database, name: "m1")
                    defer { first.kill() }
                    let client = try first.connect()
                    let body = String(repeating: "x", count: 30_000)
                    for _ in 1...100 { try client.put(body) }
                    first.kill()
                    // No byte is free, except in the reserve file.
                    _ = try bed.run("sh", ["-c", "dd if=/dev/zero of=\(directory)/filler bs=4096"])

                    let second = try ManagerProcess(database: database, name: "m2")
                    defer { second.kill() }
                    let again = try second.connect()
                    for id in 1...100 {
                        #expect(try again.reserve().id == id)
                        try again.ask("delete \(id)", "DELETED")
                    }
                    try second.stop()
                }
            }
        }

        @Test(.enabled(if: SmallDisk.isPossible, "needs root and mount(8)"))
        func `a full disk refuses puts, and everything else works`() throws {
            try TestBed.with(managers: 0) { bed in
                try SmallDisk.with(directory: bed.path("small"), size: "32m") { directory in
                    let database = directory + "/tasks.db"
                    let manager = try ManagerProcess(database: database, name: "m1")
                    defer { manager.kill() }
                    let client = try manager.connect()
                    let body = String(repeating: "x", count: 60_000)
                    var last = 0
                    var answer = ""
                    while last < 2_000 {
                        try client.send("put 0 0 600 \(body.utf8.count)\r\n\(body)\r\n")
                        answer = try client.line()
                        guard answer.hasPrefix("INSERTED ") else { break }
                        last += 1
                        try #require(answer == "INSERTED \(last)")
                    }
                    #expect(answer == "OUT_OF_MEMORY")
                    try #require(last > 10)

                    // The refused put has left nothing, and all others are complete.
                    #expect(try client.statistics("stats")["current-jobs-ready"] == "\(last)")
                    #expect(try client.peek("peek \(last)")?.body == body)
                    try client.ask("peek \(last + 1)", "NOT_FOUND")

                    for id in 1...last {
                        #expect(try client.reserve().id == id)
                        try client.ask("delete \(id)", "DELETED")
                    }
                    #expect(try client.statistics("stats")["current-jobs-ready"] == "0")
                    // Puts work again with the space that is free now.
                    try eventually("a put is accepted again") {
                        try client.send("put 0 0 600 \(body.utf8.count)\r\n\(body)\r\n")
                        return try client.line().hasPrefix("INSERTED ")
                    }
                    try manager.stop()
                    let check = try bed.run("sqlite3", [database, "PRAGMA integrity_check;"])
                    #expect(check.output == "ok\n")
                }
            }
        }
    }
}

/// A small file system in memory, to fill up.
enum SmallDisk {
    /// Whether it can be mounted here.
    static let isPossible: Bool = {
        guard TestSettings.isRoot else { return false }
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
        return (try? with(directory: directory, size: "1m") { _ in true }) ?? false
    }()

    /// Mounts it while the body runs.
    static func with<Result>(
        directory: String,
        size: String,
        _ body: (String) throws -> Result
    ) throws -> Result {
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let mount = try ChildProcess("mount", ["-t", "tmpfs", "-o", "size=\(size)", "tmpfs", directory])
        guard try mount.waitForEnd() == .exited(0) else { throw HarnessError(mount.errors.text) }
        defer {
            let unmount = try? ChildProcess("umount", ["--lazy", directory])
            _ = try? unmount?.waitForEnd()
        }
        return try body(directory)
    }
}
