import NIOCore
import SeededRandom
import TaskStore
import Testing

@testable import BeanstalkWire

/// Random bytes: the decoders do not crash, stay within their limits, and give the same result for all cuts.
@Suite struct FuzzTests {
    private static let maximumBodySize = 300

    /// Returns a stream of commands.
    ///
    /// Some are damaged, and random bytes are between them.
    private func clientStream(using generator: inout SeededGenerator) -> [UInt8] {
        var stream: [UInt8] = []
        for _ in 0..<Int.random(in: 1...20, using: &generator) {
            let command = Command.random(using: &generator, maximumBodySize: Self.maximumBodySize + 20)
            var part = encoded { $0.writeCommand(command) }
            switch Int.random(in: 0...9, using: &generator) {
            case 0...4: break
            case 5...7: part.mutate(using: &generator)
            case 8: part = .random(count: 0...600, using: &generator)
            default: part += bytes("\r\n")
            }
            stream += part
        }
        return stream
    }

    /// Returns a stream of replies, which may be damaged at the end.
    private func serverStream(using generator: inout SeededGenerator) -> [UInt8] {
        var stream: [UInt8] = []
        for _ in 0..<Int.random(in: 1...20, using: &generator) {
            let (text, _) = sampleReplies.randomElement(using: &generator) ?? sampleReplies[0]
            stream += bytes(text)
        }
        if Bool.random(using: &generator) { stream.mutate(using: &generator) }
        if Bool.random(using: &generator) { stream += [UInt8].random(count: 0...600, using: &generator) }
        return stream
    }

    @Test(arguments: FuzzSettings.seeds)
    func `random commands are decoded the same however they are cut`(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        for round in 0..<FuzzSettings.rounds {
            let stream = clientStream(using: &generator)
            var whole = Feeder(CommandDecoder(maximumBodySize: Self.maximumBodySize))
            try whole.feed(stream)
            for _ in 0..<4 {
                var cut = Feeder(CommandDecoder(maximumBodySize: Self.maximumBodySize))
                for piece in stream.cut(using: &generator) { try cut.feed(piece) }
                #expect(cut.messages == whole.messages, "seed \(seed), round \(round)")
                #expect(cut.mostLeft < Line.maximumLengthWithKey, "seed \(seed), round \(round)")
                #expect(
                    cut.mostHeld <= Self.maximumBodySize + Line.maximumLengthWithKey,
                    "seed \(seed), round \(round)"
                )
                #expect(cut.buffer == whole.buffer, "seed \(seed), round \(round)")
                try cut.finish()
                #expect(cut.messages == whole.messages, "seed \(seed), round \(round)")
            }
        }
    }

    @Test(arguments: FuzzSettings.seeds)
    func `after any bytes, commands are decoded again once a line has ended`(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        for round in 0..<FuzzSettings.rounds {
            var feeder = Feeder(CommandDecoder(maximumBodySize: 0))
            // Without a put, so that no bytes after it can belong to a body.
            let noise = [UInt8].random(count: 0...600, using: &generator).filter { $0 != UInt8(ascii: "p") }
            try feeder.feed(noise + bytes("\r\n"))
            let before = feeder.messages.count
            #expect(before > 0, "seed \(seed), round \(round)")
            try feeder.feed(bytes("stats\r\ndelete 5\r\n"))
            let after = Array(feeder.messages.dropFirst(before))
            #expect(
                after == [.command(.stats), .command(.delete(TaskID(rawValue: 5)))],
                "seed \(seed), round \(round)"
            )
        }
    }

    @Test(arguments: FuzzSettings.seeds)
    func `random replies are decoded the same however they are cut`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        for round in 0..<FuzzSettings.rounds {
            let stream = serverStream(using: &generator)
            let (messages, error, _) = decodeReplies([stream[...]])
            for _ in 0..<4 {
                let cut = decodeReplies(stream.cut(using: &generator))
                #expect(cut.messages == messages, "seed \(seed), round \(round)")
                #expect(cut.error == error, "seed \(seed), round \(round)")
                #expect(
                    cut.mostHeld <= Self.maximumBodySize + Line.maximumLength,
                    "seed \(seed), round \(round)"
                )
            }
        }
    }

    private func decodeReplies(
        _ pieces: [ArraySlice<UInt8>]
    ) -> (messages: [Reply], error: ReplyDecodingError?, mostHeld: Int) {
        var feeder = Feeder(ReplyDecoder(maximumBodySize: Self.maximumBodySize))
        do {
            for piece in pieces { try feeder.feed(piece) }
            return (feeder.messages, nil, feeder.mostHeld)
        } catch {
            return (feeder.messages, error as? ReplyDecodingError, feeder.mostHeld)
        }
    }
}
