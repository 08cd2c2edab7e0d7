internal import Access
internal import BeanstalkWire
internal import NIOCore
internal import TaskStore
internal import Transport

/// A connection whose client is not known yet.
///
/// It takes one line: `auth` with a token, or `quit`. Everything else is refused, and what follows is dropped, so that
/// no byte of a body is taken for a command. Once the client is known, ``ConnectionHandler`` takes its place, and gets
/// the bytes behind the line. Until then the connection has no session, and the store knows nothing of it.
///
/// Confined to the channel's event loop, which is the engine's.
final class AuthenticationHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private enum State {
        case waiting, refused, known
    }

    private let engine: Engine
    private let answerPath: AnswerPath
    private let origin: ConnectionOrigin
    private let tls: TLSConnection?
    private var state = State.waiting
    private var number: Int?
    private var input = ByteBuffer()
    private var timer: Scheduled<Void>?
    private var context: ChannelHandlerContext?

    init(engine: Engine, answerPath: AnswerPath, origin: ConnectionOrigin, tls: TLSConnection? = nil) {
        self.engine = engine
        self.answerPath = answerPath
        self.origin = origin
        self.tls = tls
    }

    // Not passed on: the next handler is added once the client is known.
    func channelActive(context: ChannelHandlerContext) {
        self.context = context
        close(in: TimeAmount(engine.configuration.limits.authenticationTimeout))
        let (number, excess) = engine.strangers.add(self)
        self.number = number
        excess?.abort()
    }

    func channelInactive(context: ChannelHandlerContext) {
        leave()
        self.context = nil
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch state {
        case .waiting:
            var bytes = unwrapInboundIn(data)
            input.writeBuffer(&bytes)
            takeLine(context)
        case .refused:
            break
        case .known:
            context.fireChannelRead(data)
        }
    }

    private func takeLine(_ context: ChannelHandlerContext) {
        switch FirstLine(takenFrom: &input) {
        case .unfinished:
            break
        case .auth(let token):
            if let token, let principal = engine.access?.principal(with: token) {
                accept(principal, context)
            } else {
                refuse(context)
            }
        case .quit:
            context.close(promise: nil)
        case .other:
            refuse(context)
        }
    }

    private func accept(_ principal: Principal, _ context: ChannelHandlerContext) {
        leave()
        state = .known
        let handler = ConnectionHandler(
            engine: engine,
            answerPath: answerPath,
            origin: origin,
            principal: principal,
            tls: tls
        )
        do {
            try context.pipeline.syncOperations.addHandler(handler, position: .after(self))
        } catch {
            return context.close(promise: nil)
        }
        write(.authenticated, context)
        context.fireChannelActive()
        if input.readableBytes > 0 { context.fireChannelRead(wrapInboundOut(input)) }
        input = ByteBuffer()
        context.pipeline.syncOperations.removeHandler(self, promise: nil)
    }

    private func refuse(_ context: ChannelHandlerContext) {
        leave()
        state = .refused
        input = ByteBuffer()
        engine.noteUnauthorized(origin)
        // If a socket with unread bytes is closed, the answer is lost. So the client gets a moment to read it.
        let channel = context.channel
        write(.unauthorized, context).whenComplete { _ in channel.close(mode: .output, promise: nil) }
        close(in: .seconds(1))
    }

    @discardableResult
    private func write(_ reply: Reply, _ context: ChannelHandlerContext) -> EventLoopFuture<Void> {
        var bytes = context.channel.allocator.buffer(capacity: 16)
        bytes.writeReply(reply)
        return context.writeAndFlush(wrapOutboundOut(bytes))
    }

    private func close(in time: TimeAmount) {
        guard let channel = context?.channel else { return }
        timer?.cancel()
        timer = channel.eventLoop.scheduleTask(in: time) { channel.close(promise: nil) }
    }

    /// Closes the connection at once, to make room for others or because the manager stops.
    func abort() {
        if let tls { tls.closeNow() } else { context?.close(promise: nil) }
    }

    /// Notes that the client is known, or will never be.
    private func leave() {
        timer?.cancel()
        timer = nil
        if let number { engine.strangers.remove(number) }
        number = nil
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if state != .known, let event = event as? ChannelEvent, event == .inputClosed {
            return context.close(promise: nil)
        }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}
