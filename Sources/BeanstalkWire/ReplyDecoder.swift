public import NIOCore

/// Decodes replies from a server's bytes.
///
/// It never holds more than a line or one chunk of the allowed size, and it allocates no memory for bytes that were
/// only announced. After an error it always throws the same error, because the start of the next reply in the stream is
/// unknown.
public struct ReplyDecoder: NIOSingleStepByteToMessageDecoder {
    /// The type of the results.
    public typealias InboundOut = Reply

    /// The part of the stream to which the next byte belongs.
    private enum State {
        case line
        case chunk(ChunkHeader)
        case failed(ReplyDecodingError)
    }

    private let maximumBodySize: Int
    private var state = State.line
    private var collector = ChunkCollector()

    /// Makes a decoder for one connection.
    ///
    /// - Parameter maximumBodySize: the most bytes per chunk; more is an error.
    public init(maximumBodySize: Int = 1 << 30) {
        self.maximumBodySize = maximumBodySize
    }

    /// Takes the next reply.
    ///
    /// - Parameter buffer: the bytes that have arrived; read as far as they are used.
    /// - Returns: `nil` if more bytes are needed.
    /// - Throws: ``ReplyDecodingError`` if the bytes are not a reply of the protocol, if a line has over 224 bytes, or
    ///   if a chunk is larger than allowed. The connection cannot be used after that.
    public mutating func decode(buffer: inout ByteBuffer) throws -> Reply? {
        do {
            return try next(from: &buffer)
        } catch {
            state = .failed(error)
            throw error
        }
    }

    /// Takes the next reply after the server has closed; an unfinished reply is dropped.
    ///
    /// - Parameters:
    ///   - buffer: the bytes that have arrived; read to their end once they have no whole reply.
    ///   - seenEOF: not used.
    /// - Returns: `nil` if no whole reply is left.
    /// - Throws: as ``decode(buffer:)`` does.
    public mutating func decodeLast(buffer: inout ByteBuffer, seenEOF: Bool) throws -> Reply? {
        if let reply = try decode(buffer: &buffer) { return reply }
        buffer.moveReaderIndex(to: buffer.writerIndex)
        collector.reset()
        state = .line
        return nil
    }

    /// The number of bytes that it has taken and not returned.
    var heldBytes: Int { collector.bytes.count }

    private mutating func next(from buffer: inout ByteBuffer) throws(ReplyDecodingError) -> Reply? {
        while true {
            switch state {
            case .line:
                switch try takeLine(from: &buffer) {
                case .reply(let reply): return reply
                case .chunk(let header): state = .chunk(header)
                case nil: return nil
                }

            case .chunk(let header):
                switch collector.collect(header.size, from: &buffer) {
                case .unfinished:
                    return nil
                case .unterminated:
                    throw ReplyDecodingError("no line end after the \(header.size) bytes that the server announced")
                case .whole(let bytes):
                    state = .line
                    return header.reply(with: bytes)
                }

            case .failed(let error):
                throw error
            }
        }
    }

    private func takeLine(from buffer: inout ByteBuffer) throws(ReplyDecodingError) -> ParsedReply? {
        switch Line(ofServer: buffer.readableBytesUInt8Span) {
        case .unfinished:
            return nil
        case .tooLong:
            let start = Self.start(of: buffer, length: Line.maximumLength)
            throw ReplyDecodingError("a reply over \(Line.maximumLength) bytes long: \(start)")
        case .unfit(let length):
            throw ReplyDecodingError("not a reply of the protocol: \(Self.start(of: buffer, length: length))")
        case .whole(let length):
            guard let parsed = ReplyLineParser.parse(buffer.readableBytesUInt8Span.extracting(first: length)) else {
                throw ReplyDecodingError("not a reply of the protocol: \(Self.start(of: buffer, length: length))")
            }
            if case .chunk(let header) = parsed, header.size > maximumBodySize {
                throw ReplyDecodingError("the server announced \(header.size) bytes, more than \(maximumBodySize)")
            }
            buffer.moveReaderIndex(forwardBy: length + Line.terminatorLength)
            return parsed
        }
    }

    /// Returns the start of a line as text for a message, quoted, without line breaks.
    private static func start(of buffer: ByteBuffer, length: Int) -> String {
        String(decoding: buffer.readableBytesView.prefix(min(length, 60)), as: UTF8.self).debugDescription
    }
}
