public import NIOCore

/// Takes replies out of a server's bytes.
public struct ReplyDecoder: NIOSingleStepByteToMessageDecoder {
    /// What comes out.
    public typealias InboundOut = Reply

    /// Makes a decoder for one connection.
    ///
    /// - Parameter maximumBodySize: the most bytes a chunk may announce; more is an error.
    public init(maximumBodySize: Int = 1 << 30) {}

    /// Takes the next reply.
    ///
    /// - Throws: where the bytes are no reply of the protocol; the connection is of no use then.
    public mutating func decode(buffer: inout ByteBuffer) throws -> Reply? { nil }

    /// Takes what is left when the server has gone.
    public mutating func decodeLast(buffer: inout ByteBuffer, seenEOF: Bool) throws -> Reply? {
        try decode(buffer: &buffer)
    }
}
