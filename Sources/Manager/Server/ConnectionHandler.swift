internal import BeanstalkWire
internal import NIOCore

/// One connection: its bytes to requests, its session's replies to bytes.
///
/// Reading stops while the session has more to do than ``ManagerConfiguration/queueLimits`` allow, and no commands are
/// begun while the client does not read its answers, so a connection's memory is bounded whatever the client does.
/// Confined to the channel's event loop, which is the engine's.
final class ConnectionHandler: ChannelDuplexHandler, SessionConnection {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = Never
    typealias OutboundOut = ByteBuffer

    private let engine: Engine
    private var decoder: CommandDecoder
    private var session: Session?
    private var context: ChannelHandlerContext?
    private var writer: AnswerWriter?

    /// Bytes that are not a whole request yet.
    private var input: ByteBuffer?

    /// Reused from answer to answer, as long as the last one is written.
    private var output = ByteBuffer()

    private var progress = CommandProgress()
    private var isSuspended = false
    private var isReadPending = false
    private var isInputClosed = false

    init(engine: Engine) {
        self.engine = engine
        self.decoder = CommandDecoder(maximumBodySize: engine.configuration.maximumTaskSize)
    }

    func channelActive(context: ChannelHandlerContext) {
        self.context = context
        writer = AnswerWriter(context)
        session = engine.open(self)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        if let session { engine.close(session) }
        session = nil
        writer = nil
        self.context = nil
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard session != nil, !isInputClosed else { return }
        let bytes = unwrapInboundIn(data)
        progress.received(bytes.readableBytes)
        if input == nil {
            input = bytes
        } else {
            input?.writeImmutableBuffer(bytes)
        }
        takeRequests()
    }

    private func takeRequests() {
        guard let session, var buffer = input else { return }
        input = nil  // The decoder works on the only reference, so nothing is copied when the buffer grows.
        while session.closing == .open, !isOverloaded, let request = try? decoder.decode(buffer: &buffer) {
            progress.completed()
            engine.table.receive(consume request, from: session)
        }
        if session.closing == .open {
            if buffer.readableBytes > 0 {
                buffer.discardReadBytes()
                input = buffer
            }
            if isOverloaded { suspend() }
        }
        engine.scheduleTurn()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? ChannelEvent, event == .inputClosed {
            isInputClosed = true
            finishIfTaken()
        }
        context.fireUserInboundEventTriggered(event)
    }

    /// The client sends no more; once all that it sent is in the queue, the session may come to its end.
    private func finishIfTaken() {
        guard isInputClosed, !isSuspended, let session else { return }
        engine.table.finish(session)
        engine.scheduleTurn()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if let session {
            engine.table.setCongested(!context.channel.isWritable, session)
            engine.scheduleTurn()
        }
        context.fireChannelWritabilityChanged()
    }

    // Bounds.

    func checkProgress() -> Bool {
        let isOpen = session?.closing == .open && !isInputClosed && !isSuspended
        return progress.isStalled(isMidCommand: isOpen && (input != nil || decoder.isMidCommand))
    }

    private var isOverloaded: Bool {
        guard let session else { return false }
        let limits = engine.configuration.queueLimits
        return session.queue.count >= limits.commands || session.queuedBytes >= limits.bytes
    }

    private func suspend() {
        guard !isSuspended else { return }
        isSuspended = true
        engine.didSuspend(self)
    }

    func read(context: ChannelHandlerContext) {
        if isSuspended {
            isReadPending = true
        } else {
            context.read()
        }
    }

    func resumeReading() {
        isSuspended = false
        guard session != nil else { return }
        guard !isOverloaded else { return suspend() }
        takeRequests()
        guard !isSuspended else { return }
        finishIfTaken()
        guard isReadPending, let context else { return }
        isReadPending = false
        context.read()
    }

    // Answers.

    func sendReplies() {
        guard let session, let writer else { return }
        output.clear()
        for reply in session.replies { output.writeReply(reply) }
        session.replies.removeAll(keepingCapacity: true)
        defer { if output.capacity > Self.keptCapacity { output = ByteBuffer() } }
        if session.closing == .now {
            writer.writeAndClose(output)
        } else {
            writer.write(output)
        }
    }

    /// What ``output`` may keep between answers: enough for most, little enough for ten thousand connections.
    private static let keptCapacity = 16 * 1024

    func leave() {
        guard let session else { return }
        isInputClosed = true
        input = nil
        engine.table.leave(session)
        engine.scheduleTurn()
    }

    func abort() {
        context?.close(promise: nil)
    }

    func loseClaims() {
        session?.letGoOfAll()
    }
}
