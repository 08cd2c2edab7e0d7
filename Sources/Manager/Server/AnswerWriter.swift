internal import CPlatform
internal import NIOCore
internal import NIOPosix
internal import Transport

/// Writes a connection's answers: directly to its socket, if ``AnswerPath`` allows it and as long as the socket takes
/// them, else through the channel.
///
/// Hot path. The way through a channel's pipeline and queue costs 1.5 µs per answer in addition to the system call; a
/// put costs 24 µs in all with three managers and 64 clients. Bytes that the socket does not take at once go through
/// the channel, and so do all later bytes until the channel has written them. If there is no socket, as in tests, all
/// answers go through the channel. Confined to the channel's event loop.
final class AnswerWriter {
    private let context: ChannelHandlerContext

    /// The channel's socket.
    ///
    /// It is not closed before the channel becomes inactive, which ends the use of this writer.
    private let socket: CInt?

    private let path: AnswerPath

    /// Buffers that the channel has not written yet.
    private(set) var queued = 0

    /// The memory that they take: their room, and ``overhead`` for each.
    private(set) var queuedMemory = 0

    /// The bytes that a queued buffer takes besides its room: the buffer itself, its place in the channel's queue, its
    /// promise and the callbacks.
    static let overhead = 512

    /// Called when the channel has written one of them, or has dropped it.
    var onWritten: (() -> Void)?

    /// Makes the writer of a channel that is active.
    init(_ context: ChannelHandlerContext, _ path: AnswerPath) {
        self.context = context
        self.path = path
        let pipeline = context.pipeline.syncOperations
        socket =
            switch path {
            case .socket: try? pipeline.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) { $0 }
            case .pipeline: nil
            }
    }

    /// Writes answers behind all that were written before.
    ///
    /// - Parameter answers: the bytes; not kept, unless they are all that is in their buffer.
    func write(_ answers: ByteBuffer) {
        var rest = answers
        guard let socket else {
            // A channel in memory takes everything at once, so there is nothing to count.
            if path == .socket { return context.writeAndFlush(NIOAny(answers), promise: nil) }
            return queue(rest).whenComplete { _ in }
        }
        if queued == 0 {
            let sent = rest.withUnsafeReadableBytes { beanrow_send(socket, $0.baseAddress, $0.count) }
            rest.moveReaderIndex(forwardBy: sent)
            if rest.readableBytes == 0 { return }
        }
        queue(rest).whenComplete { _ in }
    }

    /// Writes the last answers, and closes the connection behind them.
    func writeAndClose(_ answers: ByteBuffer, _ tls: TLSConnection? = nil) {
        let channel = context.channel
        let written = queue(answers)
        if let tls {
            written.assumeIsolated().whenComplete { _ in tls.close() }
        } else {
            written.whenComplete { _ in channel.close(promise: nil) }
        }
    }

    /// Hands the channel a copy without spare room.
    private func queue(_ answers: ByteBuffer) -> EventLoopFuture<Void> {
        let copy = context.channel.allocator.buffer(buffer: answers)
        let memory = copy.capacity + Self.overhead
        queued += 1
        queuedMemory += memory
        let written = context.writeAndFlush(NIOAny(copy))
        written.assumeIsolated()
            .whenComplete { _ in
                self.queued -= 1
                self.queuedMemory -= memory
                self.onWritten?()
            }
        return written
    }
}
