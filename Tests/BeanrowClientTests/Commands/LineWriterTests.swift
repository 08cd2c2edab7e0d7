import Foundation
import Glibc
import Synchronization
import Testing

@testable import CommandLineSupport

/// Lines that are written without the caller waiting for the reader.
@Suite struct LineWriterTests {
    /// A full pipe.
    private final class FullPipe: Sendable {
        let reading: Int32
        let writing: Int32
        let capacity: Int

        init() throws {
            var ends: [Int32] = [-1, -1]
            try #require(pipe(&ends) == 0)
            (reading, writing) = (ends[0], ends[1])
            signal(SIGPIPE, SIG_IGN)
            _ = fcntl(writing, F_SETFL, O_NONBLOCK)
            var count = 0
            while Glibc.write(writing, "x", 1) == 1 { count += 1 }
            capacity = count
            // As usual, a write waits.
            _ = fcntl(writing, F_SETFL, 0)
        }

        /// Reads a number of bytes, and waits for them.
        func read(_ count: Int) -> String {
            var bytes = [UInt8](repeating: 0, count: count)
            var have = 0
            while have < count {
                let got = bytes.withUnsafeMutableBytes { Glibc.read(reading, $0.baseAddress! + have, count - have) }
                guard got > 0 else { break }
                have += got
            }
            return String(decoding: bytes[..<have], as: UTF8.self)
        }
    }

    @Test func `lines come out in order`() throws {
        let pipe = try FullPipe()
        _ = pipe.read(pipe.capacity)
        let writer = LineWriter(descriptor: pipe.writing)
        let lines = (1...500).map { "line \($0)\n" }
        for line in lines { writer.write(line) }
        #expect(writer.flush(within: .seconds(60)))
        #expect(pipe.read(lines.joined().utf8.count) == lines.joined())
        #expect(writer.dropped == 0)
    }

    @Test func `while the pipe is full, lines are dropped and counted, and later a line says how many`() throws {
        let pipe = try FullPipe()
        let writer = LineWriter(descriptor: pipe.writing, capacity: 100)
        writer.write("first one\n")
        while !writer.isWriting { usleep(1000) }
        // Each line has ten bytes, so ten lines fit into the queue.
        for number in 100..<199 { writer.write("line \(number) \n") }
        let dropped = writer.dropped
        #expect(dropped == 89)
        #expect(!writer.flush(within: .milliseconds(10)), "nothing can have been written")

        _ = pipe.read(pipe.capacity)
        let notice = "\(dropped) log lines were dropped\n"
        let text = pipe.read((100 - dropped) * 10 + notice.utf8.count)
        #expect(text.contains(notice), "\(text)")
        #expect(text.split(separator: "\n").count == 100 - dropped + 1)
        #expect(writer.flush(within: .seconds(60)))
        writer.write("after\n")
        #expect(pipe.read(6) == "after\n", "it is said once")
        #expect(writer.dropped == dropped)
    }

    @Test func `the descriptor is not changed`() throws {
        let pipe = try FullPipe()
        let writer = LineWriter(descriptor: pipe.writing)
        writer.write("line\n")
        #expect(!writer.flush(within: .milliseconds(10)))
        #expect(fcntl(pipe.writing, F_GETFL) & O_NONBLOCK == 0)
        _ = pipe.read(pipe.capacity + 5)
    }

    @Test func `the last line is queued even if the queue is full, and the wait for it is limited`() throws {
        let pipe = try FullPipe()
        let writer = LineWriter(descriptor: pipe.writing, capacity: 10)
        writer.write("first one\n")
        while !writer.isWriting { usleep(1000) }
        writer.write("second ..\n")
        writer.write("dropped ..\n")
        writer.writeLast("last\n", within: .milliseconds(10))
        #expect(writer.dropped == 1)
        #expect(pipe.read(pipe.capacity + 25).hasSuffix("first one\nsecond ..\nlast\n"))
    }

    @Test func `a closed pipe is reported as a failure, and its lines count as dropped`() throws {
        let pipe = try FullPipe()
        close(pipe.reading)
        let failures = Mutex<[OutputFile.Failure]>([])
        let writer = LineWriter(
            descriptor: pipe.writing,
            onFailure: { failure in failures.withLock { $0.append(failure) } }
        )
        writer.write("line\n")
        #expect(writer.flush(within: .seconds(60)))
        #expect(writer.dropped == 1)
        writer.write("line\n")
        #expect(writer.flush(within: .seconds(60)))
        #expect(writer.dropped == 2)
        #expect(failures.withLock { $0.first?.isClosed } == true)
    }

    @Test func `an incomplete command line is detected`() {
        #expect(CommandStart.areComplete(["a", "--b"], started: 2))
        #expect(!CommandStart.areComplete([], started: 2))
        #expect(!CommandStart.areComplete([], started: 0))
        #expect(!CommandStart.areComplete([""], started: 0))
        #expect(!CommandStart.areComplete(["a"], started: 2))
    }
}
