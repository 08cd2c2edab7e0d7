// Fuzzes the decoder of commands: libFuzzer calls `LLVMFuzzerTestOneInput` over and over with bytes of its own making.
//
// An input's first byte says in which pieces the rest arrives. Whatever the pieces, the requests must be the same as if all
// had come at once; nothing may be held beyond a line and a body; what was decoded must survive being encoded again.

import NIOCore

@testable import BeanstalkWire

private let maximumBodySize = 64

/// One input; libFuzzer calls it over and over.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
    let input = [UInt8](UnsafeBufferPointer(start: data, count: size))
    guard let first = input.first else { return 0 }
    let whole = requests(in: input[1...], pieces: [input.count])
    let some = requests(in: input[1...], pieces: [Int(first & 15) + 1, Int(first >> 4) + 1])
    guard whole == some else { fail("in pieces \(some), at once \(whole)") }
    for case .command(let command) in whole {
        var buffer = ByteBuffer()
        buffer.writeCommand(command)
        let again = requests(in: [UInt8](buffer: buffer)[...], pieces: [buffer.readableBytes])
        guard again == [.command(command)] else { fail("\(command) was read again as \(again)") }
    }
    return 0
}

/// What the decoder makes of bytes that arrive in pieces of these sizes, over and over.
private func requests(in bytes: ArraySlice<UInt8>, pieces: [Int]) -> [Request] {
    var decoder = CommandDecoder(maximumBodySize: maximumBodySize)
    var buffer = ByteBuffer()
    var found: [Request] = []
    var rest = bytes
    var turn = 0
    while !rest.isEmpty {
        let piece = rest.prefix(pieces[turn % pieces.count])
        rest = rest.dropFirst(piece.count)
        turn += 1
        buffer.writeBytes(piece)
        take(&decoder, &buffer, &found)
        // The longest line, that of a put-unique, and its end; a body is moved out as it arrives.
        guard buffer.readableBytes < Line.maximumLengthWithKey, decoder.heldBytes <= maximumBodySize + 2 else {
            fail("\(buffer.readableBytes) bytes are left in the buffer, \(decoder.heldBytes) in the decoder")
        }
    }
    do {
        while let request = try decoder.decodeLast(buffer: &buffer, seenEOF: true) { found.append(request) }
    } catch {
        fail("\(error)")
    }
    guard buffer.readableBytes == 0 else { fail("\(buffer.readableBytes) bytes are left after the end") }
    return found
}

private func take(_ decoder: inout CommandDecoder, _ buffer: inout ByteBuffer, _ found: inout [Request]) {
    do {
        while let request = try decoder.decode(buffer: &buffer) { found.append(request) }
    } catch {
        fail("\(error)")
    }
}
