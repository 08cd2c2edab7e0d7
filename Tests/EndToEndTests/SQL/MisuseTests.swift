import Foundation
import Testing

extension SQLTests {
    /// Misuse by other programs, and its effects.
    @Suite struct MisuseTests {
        @Test func `a reader that prevents the log from shrinking is logged, and can be found`() throws {
            try TestBed.with { bed in
                let client = try bed.connect()
                let reader = try bed.start("sqlite3", ["-readonly", bed.database], input: .pipe)
                try reader.write("BEGIN; SELECT 'reading ' || count(*) FROM task;\n")
                try #require(reader.output.line(startingWith: "reading 0") != nil)

                let body = String(repeating: "x", count: 60_000)
                let put = "put 0 0 600 \(body.utf8.count)\r\n\(body)\r\n"
                // Each needs at least 15 pages of the log, so 64 MiB are full after at most 1090.
                let count = 1100
                for _ in 0..<(count / 10) {
                    try client.send(String(repeating: put, count: 10))
                    for _ in 0..<10 { try #require(try client.line().hasPrefix("INSERTED ")) }
                }
                let log = bed.managers[0].process.errors
                try eventually("the manager warns of its log") {
                    log.text.contains("\(bed.database)-wal has grown to ")
                }
                let warning = try #require(log.lines.first { $0.contains("has grown to") })
                #expect(warning.contains("warning"))
                // The size beyond 64 MiB depends on the moment.
                let words = warning.split(separator: " ")
                let size = try #require(words.firstIndex(of: "MiB:").map { Int(words[$0 - 1]) } ?? nil)
                #expect((64..<128).contains(size))
                #expect(warning.contains(" MiB: some program has been reading the database for long"))

                let finding = try #require(Page.blocks("sh", in: "What not to do").first)
                // On a machine where locks change all the time, the kernel's list may sometimes miss one.
                try eventually("the reader is listed") {
                    let found = try bed.shell(finding.code)
                    #expect(found.end == .exited(0), "\(found.errors)")
                    return found.output.split(separator: "\n")
                        .filter { $0.contains(bed.database) }
                        .contains { $0.split(separator: " ").first == "\(reader.id)" }
                }

                // The reader ends, and with the next commits the log is restarted and truncated.
                reader.kill()
                try eventually("the log shrinks") {
                    try client.put("a little")
                    let size = try FileManager.default.attributesOfItem(atPath: bed.database + "-wal")[.size] as? Int
                    return try #require(size) < 32 << 20
                }
                #expect(try bed.sql("SELECT count(*) >= \(count) FROM task;") == "1")
                // Once: the next warning would come at twice the size.
                #expect(log.lines.count { $0.contains("has grown to") } == 1)
            }
        }

        @Test func `VACUUM delays managers and does no harm`() throws {
            try TestBed.with(managers: 2) { bed in
                let (a, b) = (try bed.connect(0), try bed.connect(1))
                let body = String(repeating: "x", count: 10_000)
                for number in 1...200 { try a.put("\(number) \(body)", priority: UInt32(number)) }
                for number in 1...100 {
                    #expect(try b.reserve().id == number)
                    if number % 2 == 0 { try b.ask("delete \(number)", "DELETED") }
                }
                try bed.sql("VACUUM;")
                for number in 101...200 {
                    let task = try b.reserve()
                    #expect(task == ReceivedTask(id: number, body: "\(number) \(body)"))
                    try b.ask("delete \(number)", "DELETED")
                }
                for number in stride(from: 1, to: 100, by: 2) { try b.ask("delete \(number)", "DELETED") }
                #expect(try a.put("after") == 201)
                #expect(try b.reserve().body == "after")
                try bed.expectCountsToBeRight()
            }
        }

        @Test func `the journal mode cannot be changed while a manager runs, and the next manager restores it`() throws
        {
            try TestBed.with(fixedPorts: true) { bed in
                try bed.connect().put("kept")
                let refused = try bed.run("sqlite3", ["-bail", bed.database, "PRAGMA journal_mode = DELETE;"])
                #expect(refused.end != .exited(0))
                #expect(refused.errors.contains("database is locked"))
                #expect(try bed.sql("PRAGMA journal_mode;") == "wal")
                try bed.managers[0].stop()
                #expect(try bed.run("sqlite3", [bed.database, "PRAGMA journal_mode = DELETE;"]).output == "delete\n")
                try bed.restartManager(0)
                #expect(try bed.sql("PRAGMA journal_mode;") == "wal")
                #expect(try bed.connect().reserve().body == "kept")
            }
        }
    }
}
