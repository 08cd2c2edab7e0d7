public import NIOCore

/// Takes commands out of a client's bytes.
///
/// What is well formed and what is not, beanstalkd 1.13's `prot.c` decides, but for two kinds of lines at whose end
/// beanstalkd goes on waiting: one with a lone CR in it, and one that is too long and has a multiple of 224 bytes before
/// its LF. They are answered with ``Reply/badFormat`` at their CRLF, as every bad line is.
///
/// It never holds more than a line or one body of at most the size allowed: lines and bodies that are too long are
/// dropped as they arrive and refused once their end has come. A body is moved out of the buffer as it arrives, so the
/// buffer need not grow beyond a line and what one read brings.
public struct CommandDecoder: NIOSingleStepByteToMessageDecoder {
    /// What comes out.
    public typealias InboundOut = Request

    /// What the next byte belongs to.
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
    /// - Parameter maximumBodySize: the most bytes a body may have; larger ones are dropped as they arrive.
    public init(maximumBodySize: Int) {
        self.maximumBodySize = maximumBodySize
    }

    /// Takes the next request.
    ///
    /// - Parameter buffer: what has arrived; read as far as it is used.
    /// - Returns: nothing where more bytes are needed.
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

    /// Takes what is left when the client has gone: an unfinished command is nothing.
    ///
    /// - Parameters:
    ///   - buffer: what has arrived; read to its end once no whole request is left in it.
    ///   - seenEOF: of no meaning here.
    /// - Returns: nothing where no whole request is left.
    /// - Throws: never.
    public mutating func decodeLast(buffer: inout ByteBuffer, seenEOF: Bool) throws -> Request? {
        if let request = try decode(buffer: &buffer) { return request }
        buffer.moveReaderIndex(to: buffer.writerIndex)
        collector.reset()
        state = .line
        return nil
    }

    /// Whether it waits for the rest of a body or of a line that is too long; other lines wait in the buffer.
    public var isMidCommand: Bool {
        if case .line = state { false } else { true }
    }

    /// How many bytes it has taken over and not handed on.
    var heldBytes: Int { collector.bytes.count }

    /// How much memory it has taken for a body that is arriving.
    public var heldMemory: Int { collector.bytes.capacity }

    /// Gives up the body that is arriving, if one is: the rest is dropped as it comes, and the command is refused at its end
    /// with ``Reply/outOfMemory``.
    public mutating func discardBody() {
        guard case .body(let header) = state else { return }
        let missing = header.size - collector.bytes.count + Line.terminatorLength
        collector.reset()
        state = .droppedBody(remaining: missing, .outOfMemory, header.verb)
    }

    /// Takes a line; nothing where none is there, be it unfinished or too long.
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

    /// Waits for a body, to take it or to drop it; a put with trailing bytes in its line is refused at once.
    ///
    /// The order of the checks is beanstalkd's: a body that is too large is dropped even so.
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
