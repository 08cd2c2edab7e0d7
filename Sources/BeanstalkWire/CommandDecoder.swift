public import NIOCore

/// Takes commands out of a client's bytes.
public struct CommandDecoder: NIOSingleStepByteToMessageDecoder {
    /// What comes out.
    public typealias InboundOut = Request

    /// Makes a decoder for one connection.
    ///
    /// - Parameter maximumBodySize: the most bytes a body may have; larger ones are dropped as they arrive.
    public init(maximumBodySize: Int) {}

    /// Takes the next request.
    public mutating func decode(buffer: inout ByteBuffer) throws -> Request? { nil }

    /// Takes what is left when the client has gone: an unfinished command is nothing.
    public mutating func decodeLast(buffer: inout ByteBuffer, seenEOF: Bool) throws -> Request? {
        try decode(buffer: &buffer)
    }
}
