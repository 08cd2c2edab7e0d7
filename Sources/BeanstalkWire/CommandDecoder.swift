public import NIOCore

/// Decodes commands from a client's bytes.
///
/// The rules for well-formed commands are those of beanstalkd 1.13's `prot.c`, with two exceptions: a line with a lone
/// CR in it, and a line that is too long and has a multiple of 224 bytes before its LF. At the end of such a line
/// beanstalkd continues to wait. This decoder answers it with ``Reply/badFormat`` at its CRLF, like every bad line.
///
/// It never holds more than a line, or one body of the allowed size. Lines and bodies that are too long are dropped as
/// they arrive, and refused at their end. A body moves out of the buffer as it arrives, so the buffer needs no more
/// room than for a line and the bytes of one read.
public struct CommandDecoder: NIOSingleStepByteToMessageDecoder {
    /// The type of the results.
    public typealias InboundOut = Request

    /// The part of the stream to which the next byte belongs.
    private enum State {
        case line
        case endlessLine
        case body(PutHeader)
        case droppedBody(remaining: Int, Reply, Verb)
    }

    private let maximumBodySize: Int
    private var state = State.line
    private var collector = ChunkCollector()

    /// Makes a decoder for one connection.
    ///
    /// - Parameter maximumBodySize: the most bytes per body; larger bodies are dropped as they arrive.
    public init(maximumBodySize: Int) {
        self.maximumBodySize = maximumBodySize
    }

    /// Takes the next request.
    ///
    /// - Parameter buffer: the bytes that have arrived; read as far as they are used.
    /// - Returns: `nil` if more bytes are needed.
    /// - Throws: never; bad input is a request that can only be refused.
    public mutating func decode(buffer: inout ByteBuffer) throws -> Request? {
        while true {
            switch state {
            case .line:
                switch takeLine(from: &buffer) {
                case .request(let request): return request
                case .put(let header): if let refusal = begin(header) { return refusal }
                case nil: if case .line = state { return nil }
                }

            case .endlessLine:
                let (length, isEnd) = Line.skipping(buffer.readableBytesUInt8Span)
                buffer.moveReaderIndex(forwardBy: length)
                guard isEnd else { return nil }
                state = .line
                return .refused(with: .badFormat, countedAs: nil)

            case .body(let header):
                let progress = collector.collect(header.size, from: &buffer)
                if case .unfinished = progress { return nil }
                state = .line
                guard case .whole(let body) = progress else {
                    return .refused(with: .expectedCRLF, countedAs: header.verb)
                }
                return .command(header.command(with: body))

            case .droppedBody(let remaining, let reply, let verb):
                let arrived = min(remaining, buffer.readableBytes)
                buffer.moveReaderIndex(forwardBy: arrived)
                guard arrived == remaining else {
                    state = .droppedBody(remaining: remaining - arrived, reply, verb)
                    return nil
                }
                state = .line
                return .refused(with: reply, countedAs: verb)
            }
        }
    }

    /// Takes the next request after the client has closed; an unfinished command is dropped.
    ///
    /// - Parameters:
    ///   - buffer: the bytes that have arrived; read to their end once they have no whole request.
    ///   - seenEOF: not used.
    /// - Returns: `nil` if no whole request is left.
    /// - Throws: never.
    public mutating func decodeLast(buffer: inout ByteBuffer, seenEOF: Bool) throws -> Request? {
        if let request = try decode(buffer: &buffer) { return request }
        buffer.moveReaderIndex(to: buffer.writerIndex)
        collector.reset()
        state = .line
        return nil
    }

    /// Whether the decoder waits for the rest of a body, or of a line that is too long.
    ///
    /// Other lines wait in the buffer.
    public var isMidCommand: Bool {
        if case .line = state { false } else { true }
    }

    /// The number of bytes that it has taken and not returned.
    var heldBytes: Int { collector.bytes.count }

    /// The bytes of memory that it has allocated for an arriving body.
    public var heldMemory: Int { collector.bytes.capacity }

    /// Drops the body that is arriving, if there is one.
    ///
    /// Its rest is dropped as it arrives, and the command is refused at its end with ``Reply/outOfMemory``.
    public mutating func discardBody() {
        guard case .body(let header) = state else { return }
        let missing = header.size - collector.bytes.count + Line.terminatorLength
        collector.reset()
        state = .droppedBody(remaining: missing, .outOfMemory, header.verb)
    }

    /// Takes a line; returns `nil` if the line is unfinished or too long.
    private mutating func takeLine(from buffer: inout ByteBuffer) -> ParsedLine? {
        let length: Int
        let parsed: ParsedLine
        switch Line(ofClient: buffer.readableBytesUInt8Span) {
        case .unfinished:
            return nil
        case .tooLong:
            state = .endlessLine
            return nil
        case .unfit(let unfit):
            length = unfit
            parsed = .request(.refused(with: .badFormat, countedAs: nil))
        case .whole(let whole):
            length = whole
            parsed = CommandLineParser.parse(buffer.readableBytesUInt8Span.extracting(first: whole))
        }
        buffer.moveReaderIndex(forwardBy: length + Line.terminatorLength)
        return parsed
    }

    /// Begins to take or to drop a body; a put with trailing bytes in its line is refused at once.
    ///
    /// The order of the checks is beanstalkd's: a body that is too large is dropped in this case too.
    private mutating func begin(_ header: PutHeader) -> Request? {
        if header.size > maximumBodySize {
            state = .droppedBody(remaining: header.size + Line.terminatorLength, .jobTooBig, header.verb)
            return nil
        }
        if header.hasTrailingBytes {
            return .refused(with: .badFormat, countedAs: header.verb)
        }
        state = .body(header)
        return nil
    }
}
