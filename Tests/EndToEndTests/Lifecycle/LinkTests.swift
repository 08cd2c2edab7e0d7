import Foundation
import Glibc
import Testing

extension LifecycleTests {
    /// A database that has two names.
    @Suite struct Links {
        private func run(
            _ bed: TestBed,
            _ database: String,
            _ options: String...
        ) throws -> (status: Int32?, errors: String) {
            let words = ["--database", database, "--listen", "127.0.0.1:0"] + options
            let result = try bed.run(Executables.manager, words)
            guard case .exited(let status) = result.end else { return (nil, result.errors) }
            #expect(result.errors.split(separator: "\n").count == 1, "\(result.errors)")
            return (status, result.errors)
        }

        private func makeOtherName(_ bed: TestBed) throws -> String {
            let directory = bed.path("other")
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: false)
            let other = directory + "/tasks.db"
            try #require(link(bed.database, other) == 0)
            return other
        }

        @Test func `no manager starts on it, with either name`() throws {
            try TestBed.with { bed in
                try bed.connect().put("a")
                try bed.managers[0].stop()
                let other = try makeOtherName(bed)
                for name in [bed.database, other] {
                    let refused = try run(bed, name)
                    #expect(refused.status == 1)
                    #expect(refused.errors.contains("hard link") && refused.errors.contains("--allow-links"))
                }
                unlink(other)
                #expect(try bed.startManager().connect().reserve().body == "a")
            }
        }

        @Test func `a manager that accepts links does not start beside another one, and names it`() throws {
            try TestBed.with { bed in
                try bed.connect().put("a")
                let other = try makeOtherName(bed)
                for name in [bed.database, other] {
                    let refused = try run(bed, name, "--allow-links")
                    #expect(refused.status == 75)
                    #expect(refused.errors.contains("process \(bed.managers[0].process.id) "), "\(refused.errors)")
                }
                let first = bed.managers[0].process
                try eventually("the running manager logs what it has found") {
                    first.errors.text.contains("another name")
                }
                try bed.managers[0].stop()
            }
        }

        @Test func `a manager that accepts links is alone, and leaves everything in the database`() throws {
            try TestBed.with { bed in
                try bed.connect().put("a")
                try bed.managers[0].stop()
                let other = try makeOtherName(bed)
                let manager = try bed.startManager(options: ["--allow-links"])
                let client = try manager.connect()
                #expect(try client.put("b") == 2)
                for name in [bed.database, other] {
                    #expect(try run(bed, name, "--allow-links").status == 75)
                    #expect(try run(bed, name).status == 1)
                    let shell = try bed.run("sqlite3", [name, "SELECT count(*) FROM task"])
                    #expect(shell.errors.contains("locked"), "\(shell.output)\(shell.errors)")
                }
                // This also holds when the file has one name again.
                unlink(other)
                #expect(try run(bed, bed.database).status == 75)
                #expect(try client.put("c") == 3)
                try #require(link(bed.database, other) == 0)
                try manager.stop()
                #expect(try bed.run("sqlite3", [other, "SELECT count(*) FROM task"]).output == "3\n")
                let next = try bed.startManager(options: ["--allow-links"])
                #expect(try next.connect().statistics("stats")["current-jobs-ready"] == "3")
                next.kill()
                let last = try bed.startManager(options: ["--allow-links"])
                #expect(try last.connect().statistics("stats")["current-jobs-ready"] == "3")
                try last.stop()
            }
        }
    }
}
