import NIOCore

/// Collects a chunk of announced length and the CRLF behind it while they arrive.
///
/// The bytes move from the receive buffer to the array that is returned. So a body that comes in many pieces is copied
/// once (and again while the array grows, in total less than twice its length). Bytes that were only announced need no
/// memory.
struct ChunkCollector {
    /// The progress of a chunk.
    enum Progress {
        /// Bytes are missing.
        case unfinished

        /// The whole chunk has arrived.
        case whole([UInt8])

        /// The announced bytes and the two bytes behind them were taken, but the two are not CRLF.
        case unterminated
    }

    /// The part of the chunk that has arrived.
    private(set) var bytes: [UInt8] = []

    /// Takes the bytes that have arrived.
    ///
    /// - Parameters:
    ///   - size: the chunk's announced length, the same in all calls for one chunk.
    ///   - buffer: read up to the end of the chunk and its CRLF.
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

    /// Drops the bytes that have arrived.
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
