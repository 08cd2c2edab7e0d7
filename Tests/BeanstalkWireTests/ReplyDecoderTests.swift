import NIOCore
import TaskStore
import Testing

@testable import BeanstalkWire

@Suite struct ReplyDecoderTests {
    @Test(arguments: sampleReplies)
    func `each reply is decoded`(text: String, reply: Reply) throws {
        #expect(try BeanstalkWireTests.replies(bytes(text)) == [reply])
        var feeder = Feeder(ReplyDecoder())
        for byte in bytes(text) { try feeder.feed([byte]) }
        #expect(feeder.messages == [reply])
        #expect(feeder.decoder.heldBytes == 0)
    }

    @Test(arguments: [
        "", " ", "OK", "OK ", "OK x", "OK -1", "OK 1 ", "OK 1 2", "OK 9223372036854775808", "ok 1", "INSERTED",
        "INSERTED ", "INSERTED x", "INSERTED 1 ", "INSERTED -1", "INSERTED  1", "INSERTED 9223372036854775808",
        "RESERVED", "RESERVED 1", "RESERVED 1 ", "RESERVED 1 x", "RESERVED  1 2", "RESERVED 1  2", "RESERVED 1 2 ",
        "RESERVED 1x2", "RESERVED 9223372036854775808 1", "RESERVED 1 18446744073709551616", "FOUND", "FOUND 1",
        "FOUND 1 -1", "USING", "USING ", "USING -x", "USING a b", "WATCHING", "WATCHING x", "KICKED ", "KICKED x",
        "BURIED ", "BURIED x", "DELETED ", "DELETEDX", "DELETE", "NOT_FOUND 1", "deleted",
        "HTTP/1.1 400 Bad Request",
        "+OK", "DELETED\u{0}", "DELETED\r", "\u{FF}",
    ])
    func `a line that is no reply is an error, which shows the line`(line: String) throws {
        let error = #expect(throws: ReplyDecodingError.self) {
            try BeanstalkWireTests.replies(bytes("TOUCHED\r\n\(line)\r\nDELETED\r\n"))
        }
        #expect(error?.description == "not a reply of the protocol: \(line.prefix(60).debugDescription)")
    }

    @Test func `a chunk that is not followed by CRLF is an error`() throws {
        for reply in ["OK 2\r\nabc\r\n", "RESERVED 1 2\r\nab\r\r", "FOUND 1 0\r\nab"] {
            let error = #expect(throws: ReplyDecodingError.self) { try BeanstalkWireTests.replies(bytes(reply)) }
            #expect(error?.message.hasPrefix("no line end after the ") == true)
        }
    }

    @Test func `a chunk may have the largest allowed size, and a larger announced size is an error`() throws {
        #expect(
            try BeanstalkWireTests.replies(bytes("OK 8\r\n12345678\r\n"), maximumBodySize: 8) == [
                .ok(bytes("12345678"))
            ]
        )
        for reply in ["OK 9\r\n", "RESERVED 1 9\r\n", "FOUND 1 9223372036854775807\r\n"] {
            let error = #expect(throws: ReplyDecodingError.self) {
                try BeanstalkWireTests.replies(bytes(reply), maximumBodySize: 8)
            }
            #expect(error?.message.hasPrefix("the server announced ") == true)
            #expect(error?.message.hasSuffix(" bytes, more than 8") == true)
        }
    }

    @Test func `without a limit the largest announced chunk needs no memory in advance`() throws {
        var feeder = Feeder(ReplyDecoder(maximumBodySize: .max))
        try feeder.feed(bytes("OK \(Int.max)\r\n12345"))
        #expect(feeder.messages.isEmpty)
        #expect(feeder.decoder.heldBytes == 5)
    }

    @Test(arguments: ["x", "put-unique "])
    func `a reply of more than 224 bytes is an error at once, even if a command could be longer`(start: String) throws {
        let line = start + String(repeating: "x", count: 224 - start.utf8.count)
        var feeder = Feeder(ReplyDecoder())
        try feeder.feed(bytes(line).dropLast())
        #expect(throws: ReplyDecodingError("a reply over 224 bytes long: \"\(line.prefix(60))\"")) {
            try feeder.feed([0x78])
        }
    }

    @Test func `after an error every call throws the same error`() throws {
        var feeder = Feeder(ReplyDecoder())
        let expected = ReplyDecodingError("not a reply of the protocol: \"nonsense\"")
        #expect(throws: expected) { try feeder.feed(bytes("DELETED\r\nnonsense\r\n")) }
        #expect(feeder.messages == [.deleted])
        #expect(throws: expected) { try feeder.feed(bytes("DELETED\r\n")) }
        #expect(throws: expected) { try feeder.finish() }
        #expect(feeder.messages == [.deleted])
    }

    @Test func `after a chunk without its end no reply is decoded`() throws {
        var feeder = Feeder(ReplyDecoder())
        let expected = ReplyDecodingError("no line end after the 2 bytes that the server announced")
        #expect(throws: expected) { try feeder.feed(bytes("OK 2\r\nabcd")) }
        #expect(throws: expected) { try feeder.feed(bytes("e")) }
        #expect(throws: expected) { try feeder.feed(bytes("f\r\nDELETED\r\n")) }
        #expect(feeder.messages.isEmpty)
    }

    @Test func `replies before the end of the stream count, and an unfinished reply does not`() throws {
        for unfinished in ["", "DELETED", "DELETED\r", "OK 5\r\nhel", "OK 5\r\nhello\r", "RESERVED 1 0\r\n"] {
            var feeder = Feeder(ReplyDecoder())
            feeder.buffer.writeString("TOUCHED\r\n" + unfinished)
            try feeder.finish()
            #expect(feeder.messages == [.touched])
            #expect(feeder.buffer.readableBytes == 0)
            #expect(feeder.decoder.heldBytes == 0)
        }
    }
}
