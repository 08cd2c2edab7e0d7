import Foundation
import Testing

extension LifecycleTests {
    /// A disk that is full.
    @Suite struct DiskFull {
        @Test(.enabled(if: SmallDisk.isPossible, "needs root and mount(8)"))
        func `a full disk refuses puts, and everything else goes on`() throws {
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

                    // Nothing of the refused one is there, all of the others is.
                    #expect(try client.statistics("stats")["current-jobs-ready"] == "\(last)")
                    #expect(try client.peek("peek \(last)")?.body == body)
                    try client.ask("peek \(last + 1)", "NOT_FOUND")

                    for id in 1...last {
                        #expect(try client.reserve().id == id)
                        try client.ask("delete \(id)", "DELETED")
                    }
                    #expect(try client.statistics("stats")["current-jobs-ready"] == "0")
                    // With the space that is free again, puts go on.
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
    /// Whether one can be mounted here.
    static let isPossible: Bool = {
        guard TestSettings.isRoot else { return false }
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
        return (try? with(directory: directory, size: "1m") { _ in true }) ?? false
    }()

    /// Mounts one for as long as the body runs.
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
