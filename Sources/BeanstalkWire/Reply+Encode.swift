public import NIOCore

extension ByteBuffer {
    /// Appends a reply as it stands on the wire.
    public mutating func writeReply(_ reply: Reply) {}

    /// Appends a command as it stands on the wire.
    public mutating func writeCommand(_ command: Command) {}
}
