import NIOCore

/// Gathers a chunk of announced length and the CRLF behind it while they arrive.
///
/// What has arrived is moved out of the receive buffer into the array that is handed on, so a body that comes in many
/// pieces is copied once (and again while the array grows, in total less than twice its length), and no memory is
/// taken for bytes that were only announced.
struct ChunkCollector {
    /// How far it got.
    enum Progress {
        /// Bytes are missing.
        case unfinished

        /// All is there.
        case whole([UInt8])

        /// As many bytes as announced, and the two behind them, are there and taken, but the two are not CRLF.
        case unterminated
    }

    /// What has arrived of the chunk.
    private(set) var bytes: [UInt8] = []

    /// Takes what has arrived.
    ///
    /// - Parameters:
    ///   - size: the chunk's announced length, the same in all calls for one chunk.
    ///   - buffer: read as far as the chunk and its CRLF go.
    /// - Returns: how far it got.
    mutating func collect(_ size: Int, from buffer: inout ByteBuffer) -> Progress {
        if bytes.isEmpty, buffer.readableBytes - Line.terminatorLength >= size,
            let whole = buffer.readBytes(length: size)
        {
            return finish(whole, buffer: &buffer)
        }
        let arrived = min(size - bytes.count, buffer.readableBytes)
        if arrived > 0 {
            makeRoom(for: bytes.count + arrived, of: size)
            bytes.append(contentsOf: buffer.readableBytesView.prefix(arrived))
            buffer.moveReaderIndex(forwardBy: arrived)
        }
        guard bytes.count == size, buffer.readableBytes >= Line.terminatorLength else { return .unfinished }
        let whole = bytes
        reset()
        return finish(whole, buffer: &buffer)
    }

    /// Forgets what has arrived.
    mutating func reset() {
        bytes = []
    }

    private func finish(_ whole: consuming [UInt8], buffer: inout ByteBuffer) -> Progress {
        let terminator = buffer.readInteger(as: UInt16.self)
        return terminator == 0x0D0A ? .whole(whole) : .unterminated
    }

    /// Doubles the room, but never beyond the announced length.
    private mutating func makeRoom(for count: Int, of size: Int) {
        if count > bytes.capacity {
            bytes.reserveCapacity(min(size, max(count, 2 * bytes.capacity)))
        }
    }
}
