import Foundation
import Glibc
import SeededRandom
import Testing

/// Files that are removed, replaced, truncated or damaged.
extension LifecycleTests.DiskError {
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

    @Test func `a truncated database ends the manager`() throws {
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

    @Test func `damage is reported, and a damaged task is never replaced by another one`() throws {
        try TestBed.with(managers: 0) { bed in
            let first = try bed.startManager()
            let feeder = try first.connect()
            func body(_ number: Int) -> String { "\(number) " + String(repeating: "x", count: 9_000) }
            for number in 1...300 { try feeder.put(body(number)) }
            try first.stop()
            // One page of eight is overwritten, but not the first hundred, which have the structure of the tables.
            let file = try #require(FileHandle(forUpdatingAtPath: bed.database))
            let pages = Int(try file.seekToEnd()) / 4096
            var random = SeededGenerator(seed: TestSeed.current)
            for page in stride(from: 100, to: pages, by: 8) {
                try file.seek(toOffset: UInt64(page * 4096))
                try file.write(contentsOf: Data((0..<4096).map { _ in UInt8.random(in: 0...255, using: &random) }))
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
                Issue.record("\(found) tasks were handed out, and the damage was not noticed")
            } catch let error as SocketError where error.isBreak {}
            try expectEnd(of: manager, saying: "damaged")
        }
    }

    @Test func `a task with a changed body is buried and named in the log, and the others are handed out`() throws {
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
            try eventually("it is logged") {
                manager.process.errors.text.contains("the body of task 7 is not what was put; the task is buried")
            }
            try client.ask("delete 7", "DELETED")
            try manager.stop()
        }
    }
}
