// Fuzzes the decoder of replies, as `Commands.swift` fuzzes that of commands.

import NIOCore

@testable import BeanstalkWire

private let maximumBodySize = 64

/// The result of decoding a stream: the replies, and whether it ended in an error.
private struct Stream: Equatable {
    var replies: [Reply] = []
    var hasFailed = false
}

/// Runs one input; libFuzzer calls it repeatedly.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
    let input = [UInt8](UnsafeBufferPointer(start: data, count: size))
    guard let first = input.first else { return 0 }
    let whole = replies(in: input[1...], pieces: [input.count])
    let some = replies(in: input[1...], pieces: [Int(first & 15) + 1, Int(first >> 4) + 1])
    guard whole == some else { fail("in pieces \(some), at once \(whole)") }
    for reply in whole.replies {
        var buffer = ByteBuffer()
        buffer.writeReply(reply)
        let again = replies(in: [UInt8](buffer: buffer)[...], pieces: [buffer.readableBytes])
        guard again == Stream(replies: [reply]) else { fail("\(reply) was read again as \(again)") }
    }
    return 0
}

/// Returns the replies in bytes that arrive in pieces of these sizes, which are repeated.
private func replies(in bytes: ArraySlice<UInt8>, pieces: [Int]) -> Stream {
    var decoder = ReplyDecoder(maximumBodySize: maximumBodySize)
    var buffer = ByteBuffer()
    var stream = Stream()
    var rest = bytes
    var turn = 0
    do {
        while !rest.isEmpty {
            let piece = rest.prefix(pieces[turn % pieces.count])
            rest = rest.dropFirst(piece.count)
            turn += 1
            buffer.writeBytes(piece)
            while let reply = try decoder.decode(buffer: &buffer) { stream.replies.append(reply) }
            guard buffer.readableBytes < Line.maximumLength, decoder.heldBytes <= maximumBodySize + 2 else {
                fail("\(buffer.readableBytes) bytes are left in the buffer, \(decoder.heldBytes) in the decoder")
            }
        }
        while let reply = try decoder.decodeLast(buffer: &buffer, seenEOF: true) { stream.replies.append(reply) }
    } catch {
        stream.hasFailed = true
    }
    return stream
}
