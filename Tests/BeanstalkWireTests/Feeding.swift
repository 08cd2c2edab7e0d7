import NIOCore

@testable import BeanstalkWire

/// The bytes of a text.
func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

/// A buffer with these bytes.
func buffer(_ bytes: [UInt8]) -> ByteBuffer { ByteBuffer(bytes: bytes) }

/// The text that a reply or a command is on the wire.
func encoded(_ write: (inout ByteBuffer) -> Void) -> [UInt8] {
    var buffer = ByteBuffer()
    write(&buffer)
    return Array(buffer.readableBytesView)
}

/// A decoder that says how many bytes it holds back.
protocol HoldingDecoder: NIOSingleStepByteToMessageDecoder {
    var heldBytes: Int { get }
}

extension CommandDecoder: HoldingDecoder {}
extension ReplyDecoder: HoldingDecoder {}

/// A decoder with its receive buffer, fed piece by piece.
struct Feeder<Decoder: HoldingDecoder> {
    var decoder: Decoder
    var buffer = ByteBuffer()
    var messages: [Decoder.InboundOut] = []

    /// The largest number of bytes that the decoder and the buffer held after a piece.
    var mostHeld = 0

    /// The largest number of bytes that were left in the buffer after a piece.
    var mostLeft = 0

    init(_ decoder: Decoder) {
        self.decoder = decoder
    }

    /// Feeds a piece and records the messages that it completes.
    mutating func feed(_ piece: some Sequence<UInt8>) throws {
        buffer.writeBytes(piece)
        while let message = try decoder.decode(buffer: &buffer) {
            messages.append(message)
        }
        buffer.discardReadBytes()
        mostLeft = max(mostLeft, buffer.readableBytes)
        mostHeld = max(mostHeld, buffer.readableBytes + decoder.heldBytes)
    }

    /// Ends the stream.
    mutating func finish() throws {
        while let message = try decoder.decodeLast(buffer: &buffer, seenEOF: true) {
            messages.append(message)
        }
    }
}

/// What comes of bytes that arrive in these pieces.
func requests(_ pieces: [UInt8]..., maximumBodySize: Int = 65_535) throws -> [Request] {
    var feeder = Feeder(CommandDecoder(maximumBodySize: maximumBodySize))
    for piece in pieces { try feeder.feed(piece) }
    return feeder.messages
}

/// What comes of a text that arrives at once.
func requests(_ text: String, maximumBodySize: Int = 65_535) throws -> [Request] {
    try requests(bytes(text), maximumBodySize: maximumBodySize)
}

/// What comes of a server's bytes that arrive in these pieces.
func replies(_ pieces: [UInt8]..., maximumBodySize: Int = 1 << 30) throws -> [Reply] {
    var feeder = Feeder(ReplyDecoder(maximumBodySize: maximumBodySize))
    for piece in pieces { try feeder.feed(piece) }
    return feeder.messages
}
