import NIOCore
import NIOTestUtils
import TaskStore
import Testing

@testable import BeanstalkWire

/// However the bytes are cut, the same comes out.
@Suite("Pieces")
struct SplitTests {
    private let stream = sampleStreams.flatMap { bytes($0.0) }
    private let expected = sampleStreams.flatMap(\.1)

    @Test("Commands hold up under NIO's verifier")
    func verifyCommands() throws {
        try ByteToMessageDecoderVerifier.verifyDecoder(
            inputOutputPairs: sampleStreams.map { (buffer(bytes($0.0)), $0.1) },
            decoderFactory: { CommandDecoder(maximumBodySize: 8) }
        )
    }

    @Test("Replies hold up under NIO's verifier")
    func verifyReplies() throws {
        try ByteToMessageDecoderVerifier.verifyDecoder(
            inputOutputPairs: sampleReplies.map { (buffer(bytes($0.0)), [$0.1]) },
            decoderFactory: { ReplyDecoder() }
        )
    }

    @Test("A long mixed stream can be cut anywhere")
    func cuts() throws {
        for cut in 0...stream.count {
            let got = try requests(Array(stream[..<cut]), Array(stream[cut...]), maximumBodySize: 8)
            #expect(got == expected, "cut at \(cut)")
        }
    }

    @Test("A long mixed stream can come in pieces of any length", arguments: 1...64)
    func pieces(length: Int) throws {
        var feeder = Feeder(CommandDecoder(maximumBodySize: 8))
        for start in stride(from: 0, to: stream.count, by: length) {
            try feeder.feed(stream[start..<min(start + length, stream.count)])
        }
        #expect(feeder.messages == expected)
        #expect(feeder.mostLeft < Line.maximumLengthWithKey)
    }

    @Test("NIO's processor and the handler's buffer see the same")
    func processor() throws {
        let processor = NIOSingleStepByteToMessageProcessor(CommandDecoder(maximumBodySize: 8))
        var got: [Request] = []
        for start in stride(from: 0, to: stream.count, by: 7) {
            let piece = buffer(Array(stream[start..<min(start + 7, stream.count)]))
            try processor.process(buffer: piece) { got.append($0) }
        }
        try processor.process(buffer: buffer(bytes("put 1 1 1 4\r\nab"))) { got.append($0) }
        #expect(processor.unprocessedBytes == 0)
        try processor.finishProcessing(seenEOF: true) { got.append($0) }
        #expect(got == expected)
    }
}
