import NIOCore
import SeededRandom
import TaskStore
import Testing

@testable import BeanstalkWire

@Suite struct EncodingTests {
    @Test(arguments: sampleCommands)
    func `each command is encoded as in the samples`(text: String, command: Command) {
        #expect(encoded { $0.writeCommand(command) } == bytes(text))
    }

    @Test(arguments: sampleReplies)
    func `each reply is encoded as in the samples`(text: String, reply: Reply) {
        #expect(encoded { $0.writeReply(reply) } == bytes(text))
    }

    @Test func `encoded commands and replies are decoded to the same values`() throws {
        var commands = sampleCommands.map(\.1)
        // The value for ids that no task can have.
        let nothing = TaskID(rawValue: -1)
        commands += [.touch(nothing), .delete(nothing), .release(nothing, priority: 1, delay: 2)]
        var generator = SeededGenerator(seed: TestSeed.current)
        for _ in 0..<200 {
            commands.append(.random(using: &generator, maximumBodySize: 300))
        }
        var toServer = ByteBuffer()
        for command in commands { toServer.writeCommand(command) }
        #expect(try requests(Array(toServer.readableBytesView)) == commands.map { .command($0) })

        let sent = sampleReplies.map(\.1)
        var toClient = ByteBuffer()
        for reply in sent { toClient.writeReply(reply) }
        #expect(try BeanstalkWireTests.replies(Array(toClient.readableBytesView)) == sent)
    }

    @Test func `encoding appends to a buffer and changes nothing before`() {
        var buffer = ByteBuffer(string: "before ")
        buffer.moveReaderIndex(forwardBy: 3)
        buffer.writeReply(.inserted(TaskID(rawValue: 12)))
        buffer.writeReply(.deleted)
        buffer.writeCommand(.quit)
        #expect(String(buffer: buffer) == "ore INSERTED 12\r\nDELETED\r\nquit\r\n")
    }

    @Test(arguments: [0, 9, 10, 99, 100, 999_999_999_999_999_999, 1_000_000_000_000_000_000, Int64.max, -1, Int64.min])
    func `numbers of every length are written in decimal`(number: Int64) {
        #expect(encoded { $0.writeDecimal(number) } == bytes(String(number)))
    }

    @Test func `the largest unsigned number is written completely`() {
        #expect(encoded { $0.writeDecimal(UInt64.max) } == bytes("18446744073709551615"))
        #expect(encoded { $0.writeDecimal(UInt64.max / 10) } == bytes("1844674407370955161"))
        #expect(encoded { $0.writeDecimal(10_000_000_000_000_000_000 as UInt64) } == bytes("10000000000000000000"))
    }
}
