import NIOCore
import TaskStore
import Testing

@testable import BeanstalkWire

@Suite struct CommandDecoderTests {
    @Test(arguments: sampleCommands)
    func `each command is decoded`(text: String, command: Command) throws {
        #expect(try requests(text) == [.command(command)])
    }

    @Test func `every verb has a sample, and each command has its verb`() {
        #expect(Set(sampleCommands.map(\.1.verb)) == Set(Verb.allCases))
        for (text, command) in sampleCommands {
            #expect(text.prefix { !$0.isWhitespace } == command.verb.name)
        }
    }

    @Test(arguments: [
        ("delete  7", Command.delete(TaskID(rawValue: 7))),
        ("delete 0000000000000000000000000000000000007", .delete(TaskID(rawValue: 7))),
        ("release   1   2   3", .release(TaskID(rawValue: 1), priority: 2, delay: 3)),
        ("bury  1  2", .bury(TaskID(rawValue: 1), priority: 2)),
        ("reserve-with-timeout  5", .reserveWithTimeout(seconds: 5)),
        ("reserve-with-timeout 5x", .reserveWithTimeout(seconds: 5)),
        ("reserve-with-timeout 5 6 7 ", .reserveWithTimeout(seconds: 5)),
        ("pause-tube   x   9", .pauseTube(TubeName(sample: "x"), seconds: 9)),
        ("pause-tubex 9", .pauseTube(TubeName(sample: "x"), seconds: 9)),
        ("quit now", .quit),
        ("quitX", .quit),
    ])
    func `spaces before numbers, leading zeros, and bytes after some last numbers are accepted`(
        line: String,
        command: Command
    ) throws {
        #expect(try requests(line + "\r\n") == [.command(command)])
    }

    @Test(
        arguments: [
            ("kick 1x", 1), ("kick 2.5", 2), ("kick 0x10", 0), ("kick +3", 3), ("kick -1", 4_294_967_295),
            ("kick \t\n\u{0B}\u{0C} 4", 4), ("kick 4294967296", 0), ("kick 4294967297", 1), ("kick -4294967295", 1),
            ("kick 18446744073709551615", 4_294_967_295), ("kick -18446744073709551615", 1), ("kick 5 6", 5),
        ] as [(String, UInt32)]
    )
    func `the bound of kick is read as by strtoul`(line: String, bound: UInt32) throws {
        #expect(try requests(line + "\r\n") == [.command(.kick(bound: bound))])
    }

    @Test(arguments: ["9223372036854775808", "18446744073709551615"])
    func `ids that no task can have are accepted`(id: String) throws {
        let nothing = TaskID(rawValue: -1)
        #expect(try requests("delete \(id)\r\n") == [.command(.delete(nothing))])
        #expect(try requests("release \(id) 0 0\r\n") == [.command(.release(nothing, priority: 0, delay: 0))])
        #expect(try requests("bury \(id) 0\r\n") == [.command(.bury(nothing, priority: 0))])
    }

    @Test(arguments: ["use", "watch", "ignore", "stats-tube"])
    func `a tube's name has at most 200 bytes`(word: String) throws {
        let name = String(repeating: "n", count: 200)
        let request = try requests("\(word) \(name)\r\n")
        #expect(request.count == 1)
        guard case .command = request.first else {
            Issue.record("refused: \(request)")
            return
        }
        #expect(try requests("\(word) \(name)n\r\n") == [.refused(with: .badFormat, countedAs: nil)])
    }

    @Test func `a body may have the largest allowed size`() throws {
        let body = [UInt8](repeating: 0, count: 8)
        #expect(
            try requests(bytes("put 1 2 3 8\r\n") + body + bytes("\r\n"), maximumBodySize: 8)
                == [.command(.put(priority: 1, delay: 2, timeToRun: 3, body: body))]
        )
    }

    @Test func `a body may be any bytes, even bytes that look like commands`() throws {
        let body = Array(UInt8.min...UInt8.max) + bytes("\r\nquit\r\n\r\n")
        let stream = bytes("put 1 2 3 \(body.count)\r\n") + body + bytes("\r\nstats\r\n")
        let put = Command.put(priority: 1, delay: 2, timeToRun: 3, body: body)
        #expect(try requests(stream) == [.command(put), .command(.stats)])
    }

    @Test func `commands before the end of the stream count, and an unfinished command does not`() throws {
        for unfinished in ["stats", "stats\r", "put 1 1 1 5\r\nhello\r", "put 1 1 1 5\r\nhe", "put 1 1 1 70000\r\nx"] {
            var feeder = Feeder(CommandDecoder(maximumBodySize: 65_535))
            feeder.buffer.writeString("list-tubes\r\n" + unfinished)
            try feeder.finish()
            #expect(feeder.messages == [.command(.listTubes)])
            #expect(feeder.buffer.readableBytes == 0)
            #expect(feeder.decoder.heldBytes == 0)
        }
    }

    @Test func `the end of the stream adds nothing to a line that was too long`() throws {
        var feeder = Feeder(CommandDecoder(maximumBodySize: 65_535))
        try feeder.feed([UInt8](repeating: 0x78, count: 1000) + [0x0D])
        try feeder.finish()
        #expect(feeder.messages.isEmpty)
        #expect(feeder.buffer.readableBytes == 0)
    }
}
