import NIOCore
import NIOTestUtils
import TaskStore
import Testing

@testable import BeanstalkWire

/// However the bytes are cut, the same comes out.
@Suite struct SplitTests {
    private let stream = sampleStreams.flatMap { bytes($0.0) }
    private let expected = sampleStreams.flatMap(\.1)

    @Test func `the decoder of commands passes NIO's verifier`() throws {
        try ByteToMessageDecoderVerifier.verifyDecoder(
            inputOutputPairs: sampleStreams.map { (buffer(bytes($0.0)), $0.1) },
            decoderFactory: { CommandDecoder(maximumBodySize: 8) }
        )
    }

    @Test func `the decoder of replies passes NIO's verifier`() throws {
        try ByteToMessageDecoderVerifier.verifyDecoder(
            inputOutputPairs: sampleReplies.map { (buffer(bytes($0.0)), [$0.1]) },
            decoderFactory: { ReplyDecoder() }
        )
    }

    @Test func `a long mixed stream can be cut anywhere`() throws {
        for cut in 0...stream.count {
            let got = try requests(Array(stream[..<cut]), Array(stream[cut...]), maximumBodySize: 8)
            #expect(got == expected, "cut at \(cut)")
        }
    }

    @Test(arguments: 1...64)
    func `a long mixed stream can arrive in pieces of any length`(length: Int) throws {
        var feeder = Feeder(CommandDecoder(maximumBodySize: 8))
        for start in stride(from: 0, to: stream.count, by: length) {
            try feeder.feed(stream[start..<min(start + length, stream.count)])
        }
        #expect(feeder.messages == expected)
        #expect(feeder.mostLeft < Line.maximumLengthWithKey)
    }

    @Test func `NIO's processor and the handler's buffer give the same result`() throws {
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
