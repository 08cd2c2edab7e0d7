import Glibc
import TaskStore
import Testing

@testable import SQLiteStore

/// The log as bytes: finding whole frames, and writing them again.
@Suite struct WALFileTests {
    private let place: TemporaryStore

    init() throws {
        place = try TemporaryStore()
    }

    /// Makes a store that has died, with some commits in its log.
    private func makeLog(commits: Int = 10) throws -> SharedPage {
        let store = try place.open()
        let session = SessionID(connection: 1, of: store.manager)
        for number in 0..<commits {
            let body = [UInt8](repeating: 7, count: 100 + number * 700)
            let task = NewTask(tube: .default, priority: 0, delay: 0, timeToRun: 60, body: body)
            _ = try store.run(Batch([Operation(session: session, action: .put(task))], now: .start))
        }
        try store.makeDurable()
        store.abandon()
        return store.parts.sharedPage
    }

    private func withLog<Value>(_ body: (WALFile, Int32) throws -> Value) throws -> Value {
        let descriptor = open(place.path + "-wal", O_RDWR | O_CLOEXEC)
        try #require(descriptor >= 0)
        defer { close(descriptor) }
        return try body(WALFile(descriptor: descriptor, path: "log"), descriptor)
    }

    private func bytes() throws -> [UInt8] {
        try withLog { _, descriptor in
            let size = Int(lseek(descriptor, 0, SEEK_END))
            var bytes = [UInt8](repeating: 0, count: size)
            try #require(pread(descriptor, &bytes, size, 0) == size)
            return bytes
        }
    }

    @Test func `a whole log is written again unchanged, and its end is the one that managers know`() throws {
        let sharedPage = try makeLog()
        let before = try bytes()
        try withLog { log, _ in
            let header = try #require(try log.header())
            #expect(header.salt == sharedPage.logSalt)
            #expect(header.pageSize == 4096)
            let found = try log.writeAgain(header)
            #expect(found.whole == sharedPage.logFrames)
            #expect(found.committed == sharedPage.logFrames)
            #expect(sharedPage.acknowledged == WALPoint(salt: header.salt, frames: found.committed))
            let rest = try log.writeAgain(header, from: 7, limit: 5)
            #expect(rest.whole == 12)
        }
        #expect(try bytes() == before)
    }

    @Test func `frames after a changed one are not whole, and SQLite's recovery agrees`() throws {
        let frames = try makeLog().logFrames
        for frame in [0, 1, frames / 2, frames - 1] {
            let copy = try TemporaryStore()
            for suffix in ["", "-wal"] {
                try copyFile(place.path + suffix, copy.path + suffix)
            }
            let descriptor = open(copy.path + "-wal", O_RDWR | O_CLOEXEC)
            defer { close(descriptor) }
            let offset = off_t(WALPosition.headerBytes + frame * (WALPosition.frameHeaderBytes + 4096) + 2000)
            var byte: UInt8 = 0
            try #require(pread(descriptor, &byte, 1, offset) == 1)
            byte ^= 1
            try #require(pwrite(descriptor, &byte, 1, offset) == 1)
            let log = WALFile(descriptor: descriptor, path: "log")
            let found = try log.writeAgain(try #require(try log.header()))
            #expect(found.whole == frame)
            let recovered = try copy.shell().rows("PRAGMA wal_checkpoint(PASSIVE)", columns: 3)[0]
            #expect(recovered == "0|\(found.committed)|\(found.committed)")
        }
    }

    @Test func `a log without a whole header has no frames`() throws {
        _ = try makeLog()
        try withLog { log, descriptor in
            var byte: UInt8 = 0xFF
            try #require(pwrite(descriptor, &byte, 1, 17) == 1)
            #expect(try log.header() == nil)
            try #require(ftruncate(descriptor, 20) == 0)
            #expect(try log.header() == nil)
            try #require(ftruncate(descriptor, 0) == 0)
            #expect(try log.header() == nil)
        }
    }

    private func copyFile(_ from: String, _ to: String) throws {
        let source = open(from, O_RDONLY | O_CLOEXEC)
        let target = open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        defer { for descriptor in [source, target] { close(descriptor) } }
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        while case let count = read(source, &buffer, buffer.count), count > 0 {
            try #require(write(target, buffer, count) == count)
        }
    }
}
