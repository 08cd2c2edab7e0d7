import NIOCore
import TaskStore
import Testing

@testable import BeanstalkWire

@Suite struct CommandLimitTests {
    private static let badFormat = Request.refused(with: .badFormat, countedAs: nil)

    @Test func `a line may have 224 bytes`() throws {
        let line = bytes("kick 1" + String(repeating: " ", count: 216))
        #expect(line.count + 2 == 224)
        #expect(try requests(line + bytes("\r\n")) == [.command(.kick(bound: 1))])
        #expect(try requests(line, bytes("\r\n")) == [.command(.kick(bound: 1))])
        #expect(try requests(line + bytes("\r"), bytes("\n")) == [.command(.kick(bound: 1))])
    }

    @Test(arguments: [225, 226, 448, 449, 1000])
    func `a longer line is refused once, for each length and each cut`(length: Int) throws {
        let line = bytes("use ") + [UInt8](repeating: 0x6E, count: length - 6) + bytes("\r\n")
        let expected = [Self.badFormat, .command(.stats)]
        for cut in 0...line.count {
            let (first, second) = (Array(line[..<cut]), Array(line[cut...]))
            #expect(try requests(first, second + bytes("stats\r\n")) == expected)
        }
    }

    @Test func `the end of a long line is found at once if it has arrived`() throws {
        #expect(try requests([UInt8](repeating: 0x78, count: 223) + bytes("\r\n")) == [Self.badFormat])
    }

    @Test func `a long line is refused at its end, and not kept until then`() throws {
        var feeder = Feeder(CommandDecoder(maximumBodySize: 65_535))
        for _ in 0..<1000 { try feeder.feed([UInt8](repeating: 0x78, count: 1000)) }
        #expect(feeder.messages.isEmpty)
        #expect(feeder.buffer.readableBytes == 0)
        #expect(feeder.mostHeld == 0)
        for _ in 0..<300 { try feeder.feed(bytes("\rx\n\r")) }
        #expect(feeder.messages.isEmpty)
        #expect(feeder.mostHeld == 1)
        try feeder.feed(bytes("\nstats\r\n"))
        #expect(feeder.messages == [Self.badFormat, .command(.stats)])
    }

    @Test(arguments: [9, 10, 1000, 5_000_000])
    func `a body that is too large is dropped while it arrives, and refused once`(size: Int) throws {
        var feeder = Feeder(CommandDecoder(maximumBodySize: 8))
        try feeder.feed(bytes("put 1 2 3 \(size)\r\n"))
        // The body and the two bytes after it may be any bytes.
        var remaining = size + 1
        while remaining > 0 {
            let piece = [UInt8](repeating: 0x0D, count: min(1 << 16, remaining))
            try feeder.feed(piece)
            remaining -= piece.count
        }
        #expect(feeder.messages.isEmpty)
        #expect(feeder.mostHeld == 0)
        try feeder.feed(bytes("\nstats\r\n"))
        #expect(feeder.messages == [.refused(with: .jobTooBig, countedAs: .put), .command(.stats)])
    }

    @Test func `the largest size that can be announced is dropped like any other`() throws {
        var feeder = Feeder(CommandDecoder(maximumBodySize: 65_535))
        try feeder.feed(bytes("put 1 2 3 4294967295\r\n"))
        for _ in 0..<100 { try feeder.feed(bytes("stats\r\n")) }
        #expect(feeder.messages.isEmpty)
        #expect(feeder.mostHeld < 24)
    }

    @Test func `the size is checked before the bytes after it, as beanstalkd does`() throws {
        #expect(
            try requests("put 1 2 3 9 x\r\n123456789\r\nstats\r\n", maximumBodySize: 8)
                == [.refused(with: .jobTooBig, countedAs: .put), .command(.stats)]
        )
    }

    @Test(arguments: ["xx", "\r\r", "\n\r", "\n\n", "\rx", "x\n", "st"])
    func `a body must be followed by CRLF, and two other bytes in its place are dropped`(terminator: String) throws {
        for size in [0, 1, 8] {
            let body = String(repeating: "b", count: size)
            #expect(
                try requests("put 1 2 3 \(size)\r\n\(body)\(terminator)stats\r\n", maximumBodySize: 8)
                    == [.refused(with: .expectedCRLF, countedAs: .put), .command(.stats)]
            )
        }
    }

    @Test func `a body is taken from the buffer while it arrives, so no byte is read twice`() throws {
        var feeder = Feeder(CommandDecoder(maximumBodySize: 1 << 20))
        try feeder.feed(bytes("put 1 2 3 1048576\r\n"))
        for _ in 0..<1024 {
            try feeder.feed([UInt8](repeating: 0x62, count: 1024))
            #expect(feeder.buffer.readableBytes == 0)
        }
        #expect(feeder.decoder.heldBytes == 1 << 20)
        #expect(feeder.messages.isEmpty)
        try feeder.feed(bytes("\r"))
        #expect(feeder.messages.isEmpty)
        try feeder.feed(bytes("\n"))
        let body = [UInt8](repeating: 0x62, count: 1 << 20)
        #expect(feeder.messages == [.command(.put(priority: 1, delay: 2, timeToRun: 3, body: body))])
        #expect(feeder.decoder.heldBytes == 0)
        #expect(feeder.mostHeld == (1 << 20) + 1)
    }

    @Test func `no memory is reserved for bytes that were only announced`() throws {
        var collector = ChunkCollector()
        var buffer = ByteBuffer(repeating: 0x62, count: 100)
        guard case .unfinished = collector.collect(1 << 30, from: &buffer) else {
            Issue.record("a chunk of which most is missing is not whole")
            return
        }
        #expect(collector.bytes.count == 100)
        #expect(collector.bytes.capacity < 1000)
    }
}

/// Bodies that are given up while they arrive.
@Suite struct DiscardedBodyTests {
    /// Returns the messages of a stream whose body is discarded after a number of its bytes.
    private func requests(after count: Int, of text: String) throws -> [Request] {
        var decoder = CommandDecoder(maximumBodySize: 100)
        var requests: [Request] = []
        var (first, rest) = (ByteBuffer(string: String(text.prefix(count))), ByteBuffer())
        while let request = try decoder.decode(buffer: &first) { requests.append(request) }
        decoder.discardBody()
        #expect(decoder.heldMemory == 0)
        rest.writeBuffer(&first)
        rest.writeString(String(text.dropFirst(count)))
        while let request = try decoder.decode(buffer: &rest) { requests.append(request) }
        #expect(rest.readableBytes == 0)
        return requests
    }

    @Test func `the rest is dropped, the command is refused at its end, and the next one is understood`() throws {
        let (line, body) = ("put 1 2 3 5\r\n", "hello\r\n")
        let text = line + body + "reserve\r\n"
        for count in line.count...(line.count + body.count - 1) {
            #expect(
                try requests(after: count, of: text) == [
                    .refused(with: .outOfMemory, countedAs: .put), .command(.reserve),
                ]
            )
        }
    }

    @Test func `outside of a body nothing is discarded`() throws {
        let text = "put 1 2 3 5\r\nhello\r\nreserve\r\n"
        let put = Request.command(.put(priority: 1, delay: 2, timeToRun: 3, body: Array("hello".utf8)))
        for count in [0, 4, 20, 24] { #expect(try requests(after: count, of: text) == [put, .command(.reserve)]) }
        let large = "put 1 2 3 101\r\n" + String(repeating: "x", count: 101) + "\r\n"
        #expect(try requests(after: 50, of: large) == [.refused(with: .jobTooBig, countedAs: .put)])
    }
}
