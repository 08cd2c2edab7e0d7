internal import NIOCore

/// The end of a TLS connection that is next to the socket: it sees encrypted bytes.
///
/// It bounds the handshake, and can close the connection whatever the state of TLS is. Confined to the channel's event
/// loop.
final class HandshakeGuard: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private enum State {
        case handshaking
        case secured
        case ended
    }

    private let channel: any Channel
    private let acceptor: TLSAcceptor
    private var state = State.handshaking
    private var context: ChannelHandlerContext?
    private var timer: Scheduled<Void>?

    /// Bytes of the handshake that wait for their turn.
    private var held: ByteBuffer?

    /// The bytes of the handshake so far.
    private var received = 0

    init(_ channel: any Channel, acceptor: TLSAcceptor) {
        self.channel = channel
        self.acceptor = acceptor
    }

    /// Closes the socket, whatever the state of TLS is.
    func closeNow() {
        context?.close(promise: nil)
    }

    /// Says that nothing follows (`close_notify`), and closes the socket.
    func close() {
        channel.close(mode: .output).assumeIsolated().whenComplete { _ in self.closeNow() }
    }

    /// Ends the handshake without a connection.
    func fail(_ failure: HandshakeFailure) {
        guard state == .handshaking else { return }
        end(.ended)
        acceptor.failed(failure, channel)
        closeNow()
    }

    /// Notes that the handshake is complete.
    ///
    /// - Returns: `false` if it was ended before.
    func secure() -> Bool {
        guard state == .handshaking else { return false }
        end(.secured)
        return true
    }

    private func end(_ next: State) {
        state = next
        timer?.cancel()
        timer = nil
        acceptor.end(self)
    }

    /// Passes on the bytes that have waited.
    func takeStep() {
        guard let context, let bytes = held else { return }
        held = nil
        context.fireChannelRead(wrapInboundOut(bytes))
        context.fireChannelReadComplete()
    }

    // Handler.

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
    }

    func channelActive(context: ChannelHandlerContext) {
        acceptor.begin(self)
        timer = context.eventLoop.assumeIsolated()
            .scheduleTask(in: acceptor.limits.timeout) { self.fail(.timedOut) }
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        if state == .handshaking {
            end(.ended)
            acceptor.failed(.closed, channel)
        }
        held = nil
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch state {
        case .secured: return context.fireChannelRead(data)
        case .ended: return
        case .handshaking: break
        }
        let bytes = unwrapInboundIn(data)
        received += bytes.readableBytes
        guard received <= acceptor.limits.bytes else { return fail(.tooLarge) }
        if held != nil {
            held?.writeImmutableBuffer(bytes)
        } else if acceptor.wantsStep(self) {
            context.fireChannelRead(data)
        } else {
            held = bytes
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if held == nil { context.fireChannelReadComplete() }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        // A client that sends no more cannot complete its handshake.
        if state == .handshaking, let event = event as? ChannelEvent, event == .inputClosed { return fail(.closed) }
        context.fireUserInboundEventTriggered(event)
    }
}
